import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileStore } from '../../src/store/file.ts'
import { compileStores } from '../conformance/compile.ts'
import { killRounds } from '../conformance/kill-rounds.ts'
import { numberIn } from '../conformance/payload.ts'

const ROUNDS = Number(process.env['SESSIONBRIDGE_KILL_ROUNDS'] ?? 100)
const stores = compileStores()

describe('a writer killed with SIGKILL while it saves 200 kB', () => {
  let directory: string

  afterAll(() => {
    stores.remove()
  })

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sessionbridge-kill-'))
  })

  afterEach(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  test(
    `tears nothing, loses nothing acknowledged and never goes back, ${String(ROUNDS)} times`,
    async ({ signal }) => {
      const store = fileStore(directory)
      const figures = { rounds: 0, saves: 0, torn: 0, lost: 0, back: 0, unacknowledged: 0, leftover: 0 }
      let newest = 0
      await killRounds(
        { folder: stores.folder, directory, way: 'store', rounds: ROUNDS, signal },
        async (round) => {
          const acknowledged = Number(round.acknowledged.at(-1) ?? 0)
          const found = await store.read('shop/alice')
          const number = found === undefined ? 0 : numberIn(found.bytes)
          figures.rounds++
          figures.saves += round.acknowledged.length
          if (number === 'torn') figures.torn++
          else {
            if (number < acknowledged) figures.lost++
            if (number < newest) figures.back++
            if (number > Math.max(acknowledged, newest)) figures.unacknowledged++
            newest = number
          }
          const [, previous] = await store.history('shop/alice')
          const before = previous && (await store.read('shop/alice', previous.version))
          if (before !== undefined && numberIn(before.bytes) !== newest - 1) figures.torn++
          figures.leftover = Math.max(figures.leftover, filesIn(directory).length - 2)
        },
      )
      console.log('kill -9 during saves:', figures)
      expect(figures).toMatchObject({ rounds: ROUNDS, torn: 0, lost: 0, back: 0 })
      expect(figures.leftover).toBeLessThanOrEqual(2)
      expect(figures.saves).toBeGreaterThan(ROUNDS / 2)
    },
    60_000 + ROUNDS * 2_000,
  )

  test('leaves a first save whole or not at all, and sweeps what is left over', async ({ signal }) => {
    const acknowledged: string[] = []
    await killRounds({ folder: stores.folder, directory, way: 'first', rounds: 20, signal }, (round) => {
      acknowledged.push(...round.acknowledged)
      return Promise.resolve()
    })
    const store = fileStore(directory)
    const names = await store.list()
    for (const name of names)
      expect(numberIn((await store.read(name))?.bytes ?? Buffer.alloc(0))).not.toBe('torn')
    expect(acknowledged.length).toBeGreaterThan(5)
    expect(names).toEqual(expect.arrayContaining(acknowledged))
    await store.write('one/more', Buffer.from('x'), { ifVersion: undefined })
    expect(readdirSync(join(directory, '.work'))).toEqual([])
  })

  test('tears files when it writes them in place: the control', async ({ signal }) => {
    let torn = 0
    await killRounds({ folder: stores.folder, directory, way: 'naive', rounds: 40, signal }, () => {
      const path = join(directory, 'naive')
      if (existsSync(path) && numberIn(readFileSync(path)) === 'torn') {
        torn++
        rmSync(path)
      }
      return Promise.resolve()
    })
    console.log(`kill -9 during fs.writeFile: ${String(torn)} of 40 torn`)
    expect(torn).toBeGreaterThan(0)
  })
})

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
}
