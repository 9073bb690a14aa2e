import { describe, expect, test } from 'vitest'
import type { Lease } from '../../src/store/contract.ts'
import type { Bench } from './shelf.ts'
import { rejecting } from './shelf.ts'
import { eventually, pause } from './wait.ts'

/** Leases of one process; several stand in processes.ts. */
export function describeLeases(bench: Bench): void {
  describe('leases', () => {
    test('are exclusive per name, until released', async () => {
      const other = bench.open()
      const lease = await bench.store.lease('shop/alice', 60_000)
      expect(lease).toBeDefined()
      expect(await other.lease('shop/alice', 60_000)).toBeUndefined()
      expect(await bench.store.lease('shop/alice', 60_000)).toBeUndefined()
      expect(await other.lease('shop/bob', 60_000)).toBeDefined()
      await lease?.release()
      expect(await other.lease('shop/alice', 60_000)).toBeDefined()
    })

    test('go to one of many who want them at once', async () => {
      for (let round = 0; round < 5; round++) {
        const wanted = Array.from({ length: 10 }, () => bench.open().lease('shop/alice', 60_000))
        const got = (await Promise.all(wanted)).filter((lease) => lease !== undefined)
        expect(got).toHaveLength(1)
        await got[0]?.release()
      }
    })

    test('have fences that only grow, over release, expiry and removal', async () => {
      let highest = 0
      for (let round = 0; round < 6; round++) {
        const lease = await eventually(() => bench.store.lease('shop/alice', 30))
        expect(lease.fence).toBeGreaterThan(highest)
        highest = lease.fence
        if (round % 3 === 0) await lease.release()
        if (round % 3 === 1) {
          await bench.put('shop/alice', 'x')
          await bench.store.remove('shop/alice')
        }
      }
    })

    test('end by themselves after their ttl and not before, and their holder learns it', async () => {
      const other = bench.open()
      const started = performance.now()
      const lease = await bench.store.lease('shop/alice', 200)
      const next = await eventually(() => other.lease('shop/alice', 60_000))
      expect(performance.now() - started).toBeGreaterThanOrEqual(200)
      expect(await lease?.renew()).toBe(false)
      await lease?.release() // frees nothing that is not ours
      expect(await bench.store.lease('shop/alice', 60_000)).toBeUndefined()
      expect(await next.renew()).toBe(true)
    })

    test('last as long as they are renewed', async () => {
      const other = bench.open()
      const ttl = 300
      /** With when it was asked for: it cannot have ended before that and its ttl. */
      const take = (): Promise<{ lease: Lease; at: number }> =>
        eventually(async () => {
          const at = performance.now()
          const lease = await bench.store.lease('shop/alice', ttl)
          return lease && { lease, at }
        })
      let { lease, at: renewed } = await take()
      for (let since = renewed; performance.now() - since < 1_000;) {
        const begun = performance.now()
        const held = await lease.renew()
        if (held) renewed = begun
        const taken = await other.lease('shop/alice', ttl)
        if (held && taken === undefined) {
          await pause(20)
          continue
        }
        // lost only if the machine stood still for that long; then it shows nothing, and we begin anew
        expect(performance.now() - renewed).toBeGreaterThanOrEqual(ttl)
        await taken?.release()
        ;({ lease, at: renewed } = await take())
        since = renewed
      }
      await lease.release()
      expect(await lease.renew()).toBe(false)
    })

    test('are refused for a ttl that is none', async () => {
      for (const ttl of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
        await expect(rejecting(() => bench.store.lease('shop/alice', ttl))).rejects.toThrow(TypeError)
    })

    test('leave the stored bytes alone, and do not list the name', async () => {
      await bench.store.lease('shop/alice', 60_000)
      expect(await bench.store.list()).toEqual([])
      await bench.put('shop/alice', 'one')
      expect(await bench.textOf('shop/alice')).toBe('one')
    })
  })
}
