import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileStore } from '../../src/store/file.ts'
import { compileStores } from '../conformance/compile.ts'
import { faultyDisk } from '../conformance/other-process.ts'
import { numberIn, payload } from '../conformance/payload.ts'
import { eventually } from '../conformance/wait.ts'

const stores = compileStores()
const worker = join(stores.folder, 'test/conformance/saving-worker.js')
const shim = faultyDisk(stores.folder)
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

/** Works in the directory until it is killed before its `kill`-th change of a folder; gives what was acknowledged. */
async function workUntilKilled(directory: string, way: string, kill: number): Promise<string[]> {
  const child = spawn(
    process.execPath,
    ['--import', `${shim}?kill=${String(kill)}`, worker, directory, way],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  child.stdin.end('\n')
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect(child.signalCode).toBe('SIGKILL')
  return said.split('\n').slice(1, -1)
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
}

interface Kind {
  readonly numbers: number
  readonly milestones: number
  readonly temporary: number
  /** Files of folders on their way in or out. */
  readonly work: number
}

/** What lies there, without the numbers: two directories of the same kind behave the same. */
function kindOf(directory: string): Kind {
  const files = filesIn(directory)
  const count = (which: RegExp): number => files.filter((path) => which.test(path)).length
  const kind = {
    numbers: count(/^shop~alice\/\d+\.sealed$/),
    milestones: count(/^shop~alice\/\d+\.milestone$/),
    temporary: count(/^shop~alice\/.*\.tmp$/),
    work: count(/^\.work\//),
  }
  expect(Object.values(kind).reduce((sum, part) => sum + part)).toBe(files.length) // nothing else lies there
  return kind
}

function leftIn({ numbers, milestones, temporary, work }: Kind): number {
  return Math.max(0, numbers - 2) + Math.max(0, milestones - 10) + temporary + work
}

describe('a writer killed before each of its changes of a folder', () => {
  test('leaves at most two files over, whatever was killed before it, and loses nothing acknowledged', async () => {
    const seen = new Map<string, string>()
    for (const milestones of [0, 9]) {
      const start = join(above, `${String(milestones)} milestones`)
      mkdirSync(start, { mode: 0o700 })
      for (let n = 1, ifVersion: string | undefined; n <= milestones; n++)
        ifVersion = await fileStore(start).write('shop/alice', payload(n, Buffer.alloc(0)), {
          ifVersion,
          milestone: true,
        })
      seen.set(JSON.stringify(kindOf(start)), start)
    }
    let runs = 0
    let most = 0
    for (const from of seen.values())
      for (const way of ['milestone', 'forget']) {
        if (way === 'forget' && (await newest(from)) === 0) continue
        for (let kill = 1, said: string[] = []; said.length === 0; kill++) {
          const directory = join(above, String(++runs))
          cpSync(from, directory, { recursive: true, preserveTimestamps: true })
          const before = await newest(directory)
          said = await workUntilKilled(directory, way, kill)
          expect(await newest(directory)).toBeGreaterThanOrEqual(Number(said.at(-1) ?? before))
          const kind = kindOf(directory)
          most = Math.max(most, leftIn(kind))
          expect(most).toBeLessThanOrEqual(2)
          const key = JSON.stringify({ ...kind, milestones: Math.max(9, kind.milestones) })
          if (seen.has(key)) rmSync(directory, { recursive: true })
          else seen.set(key, directory)
        }
      }
    console.log(
      `${String(runs)} kills, ${String(seen.size)} kinds of directories, at most ${String(most)} files left`,
    )
    expect(seen.size).toBeGreaterThan(10) // else the kills did not come where they were meant to
    expect(most).toBe(2)
  }, 600_000)

  test('counts as dead while nobody has reaped it', async () => {
    const directory = join(above, 'sessions')
    const store = fileStore(directory)
    await store.write('shop/alice', payload(1, Buffer.alloc(0)), { ifVersion: undefined })
    const kill = ['--import', `${shim}?kill=2`, worker, directory, 'store'] // file made, not linked
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
