import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StoreConflictError } from '../../src/errors.ts'
import { Saving, type SavingHost } from '../../src/session/saving.ts'
import { readStored, writeStored, type Shelf } from '../../src/session/stored.ts'
import type { Snapshot } from '../../src/snapshot/envelope.ts'
import { generateKey, parseKeys } from '../../src/snapshot/keys.ts'
import { Cell } from '../../src/state/cell.ts'
import type { StateCookie } from '../../src/state/state.ts'
import { memoryStore } from '../../src/store/memory.ts'

const name = 'shop/alice'

function cookie(key: string, value: string): StateCookie {
  return { name: key, value, domain: 'shop.test', path: '/', expires: -1, httpOnly: false, secure: true }
}

function snapshot(epoch: number, cookies: StateCookie[] = []): Snapshot {
  return { name, state: { cookies, origins: [] }, headerRules: [], epoch, generation: 1, savedAt: 0 }
}

async function shelfWith(first: Snapshot): Promise<Shelf> {
  const shelf = { store: memoryStore(), keys: parseKeys(generateKey()) }
  await writeStored(shelf, first, undefined)
  return shelf
}

/** One writer as a process would be: a cell of its own, loaded from the store. */
async function writer(shelf: Shelf) {
  const stored = await readStored(shelf, name)
  if (stored === undefined) throw new Error('nothing stored')
  const cell = new Cell(stored.snapshot.state, stored.snapshot.epoch)
  const host: SavingHost = {
    name,
    cell,
    facts: () => ({ headerRules: [] }),
    adopt: (theirs) => {
      cell.replace(theirs.state, theirs.epoch, 'renewal')
    },
  }
  return { cell, saving: new Saving(shelf, host, stored) }
}

async function storedValues(shelf: Shelf): Promise<Record<string, string>> {
  const stored = await readStored(shelf, name)
  return Object.fromEntries((stored?.snapshot.state.cookies ?? []).map((found) => [found.name, found.value]))
}

describe('saving', () => {
  test('two writers that change different cookies keep both changes, and deletions stay deleted', async () => {
    let conflicts = 0
    const step = fc.record({
      who: fc.constantFrom(0, 1),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.option(fc.string({ maxLength: 5 }), { nil: undefined }),
      save: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const shelf = await shelfWith(snapshot(1, [cookie('0-a', 'start'), cookie('1-a', 'start')]))
        const writers = [await writer(shelf), await writer(shelf)]
        const model = new Map([
          ['0-a', 'start'],
          ['1-a', 'start'],
        ])
        for (const { who, key, value, save } of steps) {
          const mine = writers[who]
          if (mine === undefined) continue
          const own = `${String(who)}-${key}` // each writer has names of its own; the store is shared
          if (value === undefined) {
            mine.cell.removeCookie(cookie(own, ''), 'test')
            model.delete(own)
          } else {
            mine.cell.setCookie(cookie(own, value), 'test')
            model.set(own, value)
          }
          if (save) {
            if ((await shelf.store.read(name))?.version !== mine.saving.stored.version && mine.saving.isDirty)
              conflicts += 1
            await mine.saving.save()
          }
        }
        for (const { saving } of writers) await saving.save()
        for (const { saving } of writers) await saving.save()
        expect(await storedValues(shelf)).toEqual(Object.fromEntries(model))
      }),
      { numRuns: 100 },
    )
    expect(conflicts).toBeGreaterThan(0)
  })

  test('a burst of changes while a save runs is served by one more save', async () => {
    const shelf = await shelfWith(snapshot(1))
    const { cell, saving } = await writer(shelf)
    const saves: Promise<void>[] = []
    for (let n = 0; n < 100; n++) {
      cell.setCookie(cookie('n', String(n)), 'test')
      saves.push(saving.save())
    }
    await Promise.all(saves)
    expect(await storedValues(shelf)).toEqual({ n: '99' })
    expect(saving.stored.snapshot.generation).toBeLessThanOrEqual(3)
    expect(saving.isDirty).toBe(false)
  })

  test('a writer of an older epoch adopts the newer login instead of overwriting it', async () => {
    const shelf = await shelfWith(snapshot(1, [cookie('sid', 'old')]))
    const { cell, saving } = await writer(shelf)
    const current = await readStored(shelf, name)
    await writeStored(shelf, { ...snapshot(2, [cookie('sid', 'new')]), generation: 2 }, current?.version)
    cell.setCookie(cookie('late', 'answer'), 'test')
    await saving.save()
    expect(cell.epoch).toBe(2)
    expect(await storedValues(shelf)).toEqual({ sid: 'new' })
    expect(cell.state.cookies.map((found) => found.name)).toEqual(['sid'])
  })

  test('a session that was removed from the store is not brought back by a save', async () => {
    const shelf = await shelfWith(snapshot(1, [cookie('sid', 'x')]))
    const { cell, saving } = await writer(shelf)
    await shelf.store.remove(name)
    cell.setCookie(cookie('sid', 'y'), 'test')
    await expect(saving.save()).rejects.toBeInstanceOf(StoreConflictError)
    expect(await shelf.store.read(name)).toBeUndefined()
  })

  test('a save without a change writes nothing', async () => {
    const shelf = await shelfWith(snapshot(1))
    const { saving } = await writer(shelf)
    const { version } = saving.stored
    await saving.save()
    expect((await shelf.store.read(name))?.version).toBe(version)
  })
})
