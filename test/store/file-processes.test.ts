import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeProcesses } from '../conformance/processes.ts'

describeProcesses('file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sessionbridge-'))
  return Promise.resolve({
    spec: { module: 'src/store/file.js', maker: 'fileStore', args: [directory] },
    close() {
      rmSync(directory, { recursive: true, force: true })
      return Promise.resolve()
    },
  })
})
