/**
 * Saves without end until it is killed, and says on stdout which saves were acknowledged, one a line.
 * argv: directory, way (`store`: the file store; `milestone`: each save is one; `forget`: forgets the previous
 * generation instead of saving; `first`: a new session each time; `naive`: fs.writeFile in place).
 * Waits for a byte on stdin before it begins, so that it can be started ahead of its turn.
 */
import { randomBytes } from 'node:crypto'
import { readSync, writeSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileStore } from '../../src/store/file.ts'
import { numberIn, payload } from './payload.ts'

const [, , directory = '', way = ''] = process.argv
const filler = randomBytes(200_000)
const store = fileStore(directory)

const acknowledge = (what: string): number => writeSync(1, `${what}\n`)
const numberAfter = (bytes: Uint8Array | undefined): number =>
  bytes === undefined ? 1 : Number(numberIn(bytes)) + 1

async function save(milestone: boolean): Promise<never> {
  const found = await store.read('shop/alice')
  let version = found?.version
  for (let n = numberAfter(found?.bytes); ; n++) {
    version = await store.write('shop/alice', payload(n, filler), { ifVersion: version, milestone })
    acknowledge(String(n))
  }
}

async function forget(): Promise<never> {
  for (;;) {
    const [newest, previous] = await store.history('shop/alice')
    await store.forget('shop/alice', previous === undefined ? [] : [previous.version])
    const found = await store.read('shop/alice', newest?.version)
    acknowledge(found === undefined ? 'nothing' : String(numberIn(found.bytes)))
  }
}

async function saveFirst(): Promise<never> {
  for (let n = 1; ; n++) {
    const name = `s${String(process.pid)}/${String(n)}`
    await store.write(name, payload(n, filler), { ifVersion: undefined })
    acknowledge(name)
  }
}

async function saveNaively(): Promise<never> {
  const path = join(directory, 'naive')
  for (let n = numberAfter(await readFile(path).catch(() => undefined)); ; n++) {
    await writeFile(path, payload(n, filler))
    acknowledge(String(n))
  }
}

acknowledge('ready')
if (readSync(0, Buffer.alloc(1)) === 0) process.exit(0) // the test is gone
const ways: Record<string, () => Promise<never>> = {
  store: () => save(false),
  milestone: () => save(true),
  forget,
  first: saveFirst,
  naive: saveNaively,
}
await ways[way]?.()
