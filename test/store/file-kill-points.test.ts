import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileStore } from '../../src/store/file.ts'
import { compileStores } from '../conformance/compile.ts'
import { numberIn, payload } from '../conformance/payload.ts'
import { eventually } from '../conformance/wait.ts'

const stores = compileStores()
const worker = join(stores.folder, 'test/conformance/saving-worker.js')
const shim = pathToFileURL(join(stores.folder, 'test/conformance/faulty-disk.js')).href
let above: string

beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), 'sessionbridge-points-'))
})

afterEach(() => {
  rmSync(above, { recursive: true, force: true })
})

afterAll(() => {
  stores.remove()
})

/** Saves in the directory until it is killed before its `kill`-th change of the disk; gives the acknowledged numbers. */
async function saveUntilKilled(directory: string, kill: number): Promise<number[]> {
  const child = spawn(
    process.execPath,
    ['--import', `${shim}?kill=${String(kill)}`, worker, directory, 'store'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  child.stdin.end('\n')
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect(child.signalCode).toBe('SIGKILL')
  return said.split('\n').slice(1, -1).map(Number)
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
}

/** What lies there, without the numbers: two directories of the same kind behave the same. */
function kindOf(directory: string): string {
  return filesIn(directory)
    .map((path) => `${path.split('/')[0] ?? ''} ${path.slice(path.lastIndexOf('.'))}`)
    .sort()
    .join(', ')
}

describe('a writer killed before each of its changes to the disk', () => {
  test('leaves at most two files over, whatever was killed before it, and loses nothing acknowledged', async () => {
    const start = join(above, '0')
    mkdirSync(start, { mode: 0o700 })
    const seen = new Map([[kindOf(start), start]])
    let runs = 0
    let most = 0
    for (const from of seen.values()) {
      for (let kill = 1, acknowledged: number[] = []; acknowledged.length === 0; kill++) {
        const directory = join(above, String(++runs))
        cpSync(from, directory, { recursive: true, preserveTimestamps: true })
        const before = await newest(directory)
        acknowledged = await saveUntilKilled(directory, kill)
        expect(await newest(directory)).toBeGreaterThanOrEqual(acknowledged.at(-1) ?? before)
        most = Math.max(most, filesIn(directory).length - 2)
        expect(most).toBeLessThanOrEqual(2)
        const kind = kindOf(directory)
        if (seen.has(kind)) rmSync(directory, { recursive: true })
        else seen.set(kind, directory)
      }
    }
    console.log(
      `${String(runs)} kills, ${String(seen.size)} kinds of directories, at most ${String(most)} files left`,
    )
    expect(seen.size).toBeGreaterThan(5) // else the kills did not come where they were meant to
    expect(most).toBe(2)
  }, 300_000)

  test('counts as dead while nobody has reaped it', async () => {
    const directory = join(above, 'sessions')
    const store = fileStore(directory)
    await store.write('shop/alice', payload(1, Buffer.alloc(0)), { ifVersion: undefined })
    const kill = ['--import', `${shim}?kill=3`, worker, directory, 'store'] // file made and written, not synced
    const script = '"$0" "$@" <<< go & echo $!; exec sleep 600'
    const parent = spawn('/bin/bash', ['-c', script, process.execPath, ...kill], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      let said = ''
      parent.stdout.setEncoding('latin1').on('data', (part: string) => (said += part))
      const zombie = await eventually(() => Promise.resolve(/^(\d+)\n/m.exec(said)?.[1]))
      await eventually(() => Promise.resolve(stateOf(zombie) === 'Z' || undefined))
      const left = (): number => filesIn(directory).filter((path) => path.endsWith('.tmp')).length
      expect(left()).toBe(1)
      await store.write('shop/alice', Buffer.from('x'), {
        ifVersion: (await store.read('shop/alice'))?.version,
      })
      expect(stateOf(zombie)).toBe('Z')
      expect(left()).toBe(0)
    } finally {
      parent.kill('SIGKILL')
    }
  })
})

function stateOf(pid: string): string | undefined {
  return /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
}

async function newest(directory: string): Promise<number> {
  const found = await fileStore(directory).read('shop/alice')
  return found === undefined ? 0 : Number(numberIn(found.bytes))
}
