import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { StoreConflictError } from '../../src/errors.ts'
import type { ElsewhereSpec, OtherProcess } from './other-process.ts'
import { startElsewhere } from './other-process.ts'
import { compileStores } from './compile.ts'
import type { Changes, Shared } from './store-worker.ts'
import { eventually, pause } from './wait.ts'

const TTL = 400
const TEN_MINUTES = 600_000
/** Changes at which all are made to find the same. */
const MEETINGS = 10

/** The part of the contract that needs several processes: writers, lease holders, dead, frozen, with wrong clocks. */
export function describeProcesses(
  kind: string,
  makeShelf: () => Promise<{ spec: Omit<ElsewhereSpec, 'folder'>; close(): Promise<void> }>,
): void {
  describe(`several processes on one ${kind} store`, () => {
    let compiled: ReturnType<typeof compileStores>
    let shelf: Awaited<ReturnType<typeof makeShelf>>
    let started: OtherProcess[]

    beforeAll(() => {
      compiled = compileStores()
    })
    afterAll(() => {
      compiled.remove()
    })
    beforeEach(async () => {
      shelf = await makeShelf()
      started = []
    })
    afterEach(async () => {
      await Promise.all(started.map((process) => process.kill()))
      await shelf.close()
    })

    async function start(
      count: number,
      clockOff: (index: number) => number = () => 0,
    ): Promise<OtherProcess[]> {
      const spec = { ...shelf.spec, folder: compiled.folder }
      const processes = Array.from({ length: count }, (_, index) =>
        startElsewhere(spec, { clockOff: clockOff(index) }),
      )
      started.push(...(await Promise.all(processes)))
      return started
    }

    const lease = (process: OtherProcess, ttl = TTL): Promise<number | undefined> =>
      process.call<number | undefined>('lease', 'shop/alice', ttl)

    test.each([
      [4, 40],
      [2, 1000],
    ])(
      'that change different things lose no change and bring nothing deleted back: %i of them, %i times each',
      async (count, each) => {
        const writers = await start(count)
        let waiting = 0
        for (const writer of writers)
          writer.onMeeting = () => {
            waiting = (waiting + 1) % writers.length
            if (waiting === 0) for (const one of writers) one.goOn()
          }
        const runs = writers.map((writer, who) =>
          writer.call<Changes>('change', 'shop/alice', `p${String(who)}`, each, MEETINGS),
        )
        const seen = await Promise.all(runs)
        const found = await writers[0]?.call<{ bytes: string }>('read', 'shop/alice')
        const shared = JSON.parse(Buffer.from(found?.bytes ?? '', 'base64').toString()) as Shared
        const conflicts = seen.reduce((sum, one) => sum + one.conflicts, 0)
        console.log(`${kind}: ${String(count)} × ${String(each)} changes, ${String(conflicts)} conflicts`)
        expect(seen).toEqual(seen.map((one) => ({ ...one, lost: 0, back: 0 })))
        expect(shared.counts).toEqual(Object.fromEntries(writers.map((_, who) => [`p${String(who)}`, each])))
        expect([...shared.entries].sort()).toEqual(writers.map((_, who) => `p${String(who)}-${String(each)}`))
        expect(conflicts).toBeGreaterThanOrEqual(MEETINGS * (count - 1)) // else the test shows nothing
      },
      300_000,
    )

    test('give the lease to one of them, however their clocks are off', async () => {
      const takers = await start(4, (index) => [0, TEN_MINUTES, -TEN_MINUTES, 0][index] ?? 0)
      let last = 0
      for (let round = 0; round < 15; round++) {
        const fences = await Promise.all(takers.map((taker) => lease(taker, 60_000)))
        const winners = fences.flatMap((fence, index) => (fence === undefined ? [] : [{ fence, index }]))
        expect(winners).toHaveLength(1)
        const [{ fence, index } = { fence: 0, index: 0 }] = winners
        expect(fence).toBeGreaterThan(last)
        last = fence
        expect(await takers[index]?.call('renew', fence)).toBe(true)
        await takers[index]?.call('release', fence)
      }
    })

    test('take over the lease of a killed holder, one of them and not before its ttl or death', async () => {
      const [holder, ...takers] = await start(4)
      for (let round = 0; round < 3; round++) {
        const killed = round === 0 ? holder : (await start(1)).at(-1)
        const fence = await eventually(async () => killed && (await lease(killed)))
        await killed?.kill()
        const heirs = await eventually(async () => {
          const fences = await Promise.all(takers.map((taker) => lease(taker, 60_000)))
          const got = fences.flatMap((won, index) => (won === undefined ? [] : [{ won, index }]))
          return got.length > 0 ? got : undefined
        })
        expect(heirs).toHaveLength(1)
        expect(heirs[0]?.won).toBeGreaterThan(fence)
        await takers[heirs[0]?.index ?? 0]?.call('release', heirs[0]?.won)
      }
    })

    test('replace a frozen holder after its ttl, and refuse what it does when it wakes', async () => {
      const [holder, taker] = await start(2)
      if (holder === undefined || taker === undefined) throw new Error('not started')
      const version = await holder.call<string>('write', 'shop/alice', encoded('before'), {})
      const begun = performance.now()
      const fence = (await lease(holder)) ?? 0
      holder.freeze()
      const newFence = await eventually(() => lease(taker, 60_000))
      expect(performance.now() - begun).toBeGreaterThanOrEqual(TTL)
      expect(newFence).toBeGreaterThan(fence)
      await taker.call('write', 'shop/alice', encoded('renewed'), { ifVersion: version })
      holder.thaw()
      expect(await holder.call('renew', fence)).toBe(false)
      await holder.call('release', fence)
      const late = holder.call('write', 'shop/alice', encoded('late'), { ifVersion: version })
      await expect(late).rejects.toThrow(StoreConflictError)
      expect(await holder.call('lease', 'shop/alice', TTL)).toBeUndefined()
      const found = await holder.call<{ bytes: string }>('read', 'shop/alice')
      expect(found.bytes).toBe(encoded('renewed'))
    })

    test('do not take a lease that is renewed, whatever clock they have', async () => {
      const [holder, ...takers] = await start(3, (index) => [0, TEN_MINUTES, -TEN_MINUTES][index] ?? 0)
      const ttl = 2_000
      /** With when it was asked for: it cannot have ended before that and its ttl. */
      const take = (): Promise<{ fence: number; at: number }> =>
        eventually(async () => {
          const at = performance.now()
          const fence = holder && (await lease(holder, ttl))
          return fence === undefined ? undefined : { fence, at }
        })
      let { fence, at: renewed } = await take()
      for (let since = renewed; performance.now() - since < 1.2 * ttl;) {
        const begun = performance.now()
        const held = await holder?.call<boolean>('renew', fence)
        if (held === true) renewed = begun
        const taken = await Promise.all(takers.map((taker) => lease(taker)))
        if (held === true && taken.every((won) => won === undefined)) {
          await pause(60)
          continue
        }
        // lost only if the machine stood still for that long; then it shows nothing, and we begin anew
        expect(performance.now() - renewed).toBeGreaterThanOrEqual(ttl)
        ;({ fence, at: renewed } = await take())
        since = renewed
      }
    })
  })
}

const encoded = (text: string): string => Buffer.from(text).toString('base64')
