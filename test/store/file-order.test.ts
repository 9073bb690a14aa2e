import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { compileStores } from '../conformance/compile.ts'
import { traced, whyNoTrace } from '../conformance/system-calls.ts'

const stores = compileStores()
const above = mkdtempSync(join(tmpdir(), 'sessionbridge-order-'))

afterAll(() => {
  stores.remove()
  rmSync(above, { recursive: true, force: true })
})

const code = `
  import { writeSync } from 'node:fs'
  const { fileStore } = await import(${JSON.stringify(pathToFileURL(join(stores.folder, 'src/store/file.js')).href)})
  const store = fileStore(${JSON.stringify(join(above, 'shelf'))})
  const say = (text) => writeSync(1, text + '\\n')
  const bytes = Buffer.alloc(200_000)
  let version
  const write = async (milestone) => {
    version = await store.write('alice', bytes.fill(bytes[0] + 1), { ifVersion: version, milestone })
  }
  await write(false)
  say('first')
  await write(false)
  say('second')
  await write(false)
  say('third')
  await write(true)
  say('milestone')
  const history = await store.history('alice')
  await store.forget('alice', [history[1].version])
  say('forgotten')
  await store.remove('alice')
  say('removed')
`

test('Every save syncs the file, links it, syncs the folder, and only then is acknowledged', ({ skip }) => {
  const why = whyNoTrace()
  if (why !== undefined) {
    console.warn(`NOT SHOWN: the order of the system calls of a save, because ${why}.`)
    skip(why)
  }
  const temporary = [
    'make shelf/alice/<mark>.tmp',
    'write shelf/alice/<mark>.tmp',
    'sync shelf/alice/<mark>.tmp',
  ]
  expect(traced(code, above)).toEqual([
    ...['make folder shelf', 'sync ', 'make folder shelf/.work', 'make folder shelf/.work/<mark>'],
    ...['make', 'write', 'sync'].map((call) => `${call} shelf/.work/<mark>/1.sealed`),
    ...['sync shelf/.work/<mark>', 'rename shelf/.work/<mark> to shelf/alice', 'sync shelf', 'say first'],
    ...[...temporary, 'link shelf/alice/2.sealed', 'unlink shelf/alice/<mark>.tmp'],
    ...['sync shelf/alice', 'say second'],
    ...[...temporary, 'link shelf/alice/3.sealed', 'unlink shelf/alice/<mark>.tmp'],
    ...['sync shelf/alice', 'unlink shelf/alice/1.sealed', 'say third'],
    ...[...temporary, 'link shelf/alice/4.sealed', 'unlink shelf/alice/<mark>.tmp'],
    ...['sync shelf/alice', 'unlink shelf/alice/2.sealed'],
    ...['link shelf/alice/4.milestone', 'sync shelf/alice', 'say milestone'],
    ...[...temporary, 'sync shelf/alice', 'rename shelf/alice/<mark>.tmp to shelf/alice/3.sealed'],
    ...['sync shelf/alice', 'say forgotten'],
    ...['make folder shelf/.work/<mark>', 'rename shelf/alice to shelf/.work/<mark>/alice'],
    ...['sync shelf', 'say removed'],
  ])
})
