import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStore } from '../../src/store/file.ts'
import { describeStore } from '../conformance/store.ts'

describeStore('file', () => {
  const above = mkdtempSync(join(tmpdir(), 'sessionbridge-'))
  const directory = join(above, 'sessions')
  return Promise.resolve({
    open: () => fileStore(directory),
    close() {
      rmSync(above, { recursive: true, force: true })
      return Promise.resolve()
    },
  })
})
