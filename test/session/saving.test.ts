import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StoreConflictError } from '../../src/errors.ts'
import { Saving, type SavingHost } from '../../src/session/saving.ts'
import { readStored, writeStored, type Shelf } from '../../src/session/stored.ts'
import type { Snapshot, Standing } from '../../src/snapshot/envelope.ts'
import { generateKey, parseKeys } from '../../src/snapshot/keys.ts'
import { Cell } from '../../src/state/cell.ts'
import type { StateCookie } from '../../src/state/state.ts'
import { memoryStore } from '../../src/store/memory.ts'

const name = 'shop/alice'

function cookie(key: string, value: string): StateCookie {
  return { name: key, value, domain: 'shop.test', path: '/', expires: -1, httpOnly: false, secure: true }
}

function snapshot(epoch: number, cookies: StateCookie[] = []): Snapshot {
  return {
    name,
    state: { cookies, origins: [] },
    headerRules: [],
    epoch,
    generation: 1,
    savedAt: 0,
    loginId: 'login',
  }
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
  const facts: { standing: Standing; removed: boolean } = { standing: 'candidate', removed: false }
  const said: string[] = []
  const host: SavingHost = {
    name,
    cell,
    standing: () => Promise.resolve(facts.standing),
    facts: () => ({ headerRules: [], lastVerified: stored.snapshot.state, loginId: 'login' }),
    refused: () => said.push('refused'),
    failed: () => said.push('failed'),
    wasRemoved: () => Promise.resolve(facts.removed),
    adopt: (theirs) => {
      cell.replace(theirs.state, theirs.epoch, 'renewal')
    },
  }
  return { cell, saving: new Saving(shelf, host, stored), facts, said }
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

  test('what others write after our write, and before we hear of its end, is taken in', async () => {
    const shelf = await shelfWith(snapshot(1))
    const [mine, theirs] = [await writer(shelf), await writer(shelf)]
    await theirs.saving.refresh()
    let told: Promise<void> | undefined
    const write = shelf.store.write.bind(shelf.store)
    shelf.store.write = async (...args) => {
      const version = await write(...args)
      shelf.store.write = write
      theirs.cell.setCookie(cookie('theirs', '1'), 'test')
      await theirs.saving.save()
      told = mine.saving.refresh()
      await new Promise(setImmediate)
      return version
    }
    mine.cell.setCookie(cookie('mine', '1'), 'test')
    await mine.saving.save()
    await told
    expect(mine.cell.state.cookies.map((one) => one.name).sort()).toEqual(['mine', 'theirs'])
  })

  test('what was read before our save is not taken for newer than it', async () => {
    const shelf = await shelfWith(snapshot(1))
    const [mine, theirs] = [await writer(shelf), await writer(shelf)]
    theirs.cell.setCookie(cookie('theirs', '1'), 'test')
    await theirs.saving.save()
    const read = shelf.store.read.bind(shelf.store)
    shelf.store.read = async (...args) => {
      const found = await read(...args)
      shelf.store.read = read
      mine.cell.setCookie(cookie('mine', '1'), 'test')
      await mine.saving.save()
      return found
    }
    await mine.saving.refresh()
    expect(mine.cell.state.cookies.map((one) => one.name).sort()).toEqual(['mine', 'theirs'])
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
    const { cell, saving, facts } = await writer(shelf)
    await shelf.store.remove(name)
    facts.removed = true
    cell.setCookie(cookie('sid', 'y'), 'test')
    await expect(saving.save()).rejects.toBeInstanceOf(StoreConflictError)
    expect(await shelf.store.read(name)).toBeUndefined()
  })

  test('a session that the store has lost is written back', async () => {
    const shelf = await shelfWith(snapshot(1, [cookie('sid', 'x')]))
    const { cell, saving } = await writer(shelf)
    await shelf.store.remove(name) // without a word, as a store does that is restarted empty
    cell.setCookie(cookie('more', 'y'), 'test')
    await saving.save()
    expect(await storedValues(shelf)).toEqual({ sid: 'x', more: 'y' })
  })

  test('a session that the server has signed out leaves the stored state as it was, and says that it is dead', async () => {
    const shelf = await shelfWith(snapshot(1, [cookie('sid', 'good')]))
    const { cell, saving, facts, said } = await writer(shelf)
    cell.setCookie(cookie('sid', 'anonymous'), 'test')
    facts.standing = 'dead'
    await saving.save()
    expect(await storedValues(shelf)).toEqual({ sid: 'good' })
    expect((await readStored(shelf, name))?.snapshot.standing).toBe('dead')
    expect(said).toEqual(['refused'])
    expect(saving.isDirty).toBe(false)
  })

  test('a session in doubt is saved beside what was last proven', async () => {
    const shelf = await shelfWith(snapshot(1, [cookie('sid', 'good')]))
    const { cell, saving, facts } = await writer(shelf)
    cell.setCookie(cookie('sid', 'rotated'), 'test')
    facts.standing = 'suspect'
    await saving.save()
    const stored = (await readStored(shelf, name))?.snapshot
    expect(stored?.standing).toBe('suspect')
    expect(stored?.state.cookies[0]?.value).toBe('rotated')
    expect(stored?.lastVerified?.cookies[0]?.value).toBe('good')
    facts.standing = 'verified'
    cell.setCookie(cookie('sid', 'rotated again'), 'test')
    await saving.save()
    expect((await readStored(shelf, name))?.snapshot.lastVerified).toBeUndefined()
  })

  test('another login of the same epoch replaces ours instead of being mixed with it', async () => {
    const shelf = await shelfWith(snapshot(1, [cookie('sid', 'ours')]))
    const { cell, saving } = await writer(shelf)
    const current = await readStored(shelf, name)
    const theirs = { ...snapshot(1, [cookie('sid', 'theirs')]), loginId: 'another' }
    await writeStored(shelf, theirs, current?.version)
    cell.setCookie(cookie('late', 'answer'), 'test')
    await saving.save()
    expect(await storedValues(shelf)).toEqual({ sid: 'theirs' })
    expect(cell.state.cookies.map(({ name }) => name)).toEqual(['sid'])
  })

  test('what others have saved comes in without a save of ours', async () => {
    const shelf = await shelfWith(snapshot(1, [cookie('a', '1'), cookie('b', '1')]))
    const [one, two] = [await writer(shelf), await writer(shelf)]
    one.cell.setCookie(cookie('a', '2'), 'test')
    one.cell.removeCookie(cookie('b', ''), 'test')
    await one.saving.save()
    two.cell.setCookie(cookie('c', '1'), 'test')
    await two.saving.refresh()
    expect(Object.fromEntries(two.cell.state.cookies.map((found) => [found.name, found.value]))).toEqual({
      a: '2',
      c: '1',
    })
    expect(two.saving.isDirty).toBe(true)
    await two.saving.save()
    expect(await storedValues(shelf)).toEqual({ a: '2', c: '1' })
  })

  test('a save without a change writes nothing', async () => {
    const shelf = await shelfWith(snapshot(1))
    const { saving } = await writer(shelf)
    const { version } = saving.stored
    await saving.save()
    expect((await shelf.store.read(name))?.version).toBe(version)
  })
})
