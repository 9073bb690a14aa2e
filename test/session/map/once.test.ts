import { describe, expect, test } from 'vitest'
import { SessionDeadError, StoreFailedError } from '../../../src/errors.ts'
import { mapUrls } from '../../../src/session/map/map.ts'
import type { OnceOptions } from '../../../src/session/map/map-options.ts'
import { ClaimLog, digestOfAddress } from '../../../src/session/map/claim-log.ts'
import { jobName } from '../../../src/session/map/job-names.ts'
import { rekeyAll } from '../../../src/session/operations/rekey.ts'
import { generateKey, parseKeys } from '../../../src/snapshot/keys.ts'
import type { Store } from '../../../src/store/contract.ts'
import { memoryStore } from '../../../src/store/memory.ts'

const keys = parseKeys(generateKey())
const urls = Array.from({ length: 2_000 }, (_, n) => `https://shop.test/page/${String(n)}?token=secret`)
const hostOn = (store: Store, name = 'shop/alice') => ({
  name,
  signsOut: () => false,
  isDead: () => Promise.resolve(false),
  shelf: { store, keys },
})

/** Maps with work that only notes what it is given. */
async function run(store: Store, list: readonly string[], once: string | OnceOptions, name?: string) {
  const seen: string[] = []
  const result = await mapUrls(hostOn(store, name), list, (url) => Promise.resolve(seen.push(url)), { once })
  return { seen, ...result }
}

describe('session.map with once', () => {
  test('several calls at a time share the addresses, whatever their order, and each is taken once', async () => {
    const store = memoryStore()
    const calls = [urls, [...urls].reverse(), urls.slice(500, 1_500)]
    // None goes on before each has something: the first to begin could have done all.
    let missing = calls.length
    let open: () => void = () => undefined
    const opening = new Promise<void>((resolve) => (open = resolve))
    const share = async (list: readonly string[]) => {
      const seen: string[] = []
      const work = (url: string): Promise<void> => {
        if (seen.push(url) === 1 && --missing === 0) open()
        return opening
      }
      return { seen, ...(await mapUrls(hostOn(store), list, work, { once: 'job' })) }
    }
    const results = await Promise.all(calls.map(share))
    const seen = results.flatMap((result) => result.seen)
    expect(seen).toHaveLength(urls.length)
    expect(new Set(seen)).toEqual(new Set(urls))
    for (const [at, { done, elsewhere, total }] of results.entries()) {
      expect(done).toBeGreaterThan(0)
      expect(done + elsewhere).toBe(total)
      expect(total).toBe(calls[at]?.length)
    }
  })

  test('an address that stands twice in a list, or is spelled in two ways, is taken once', async () => {
    const list = ['https://shop.test', 'https://SHOP.test/', 'https://shop.test/', 'https://shop.test/a']
    const { seen, elsewhere } = await run(memoryStore(), list, 'job')
    expect([seen, elsewhere]).toEqual([['https://shop.test', 'https://shop.test/a'], 2])
  })

  test('writes far less often than there are addresses, and nothing in clear', async () => {
    const store = memoryStore()
    const written: Uint8Array[] = []
    const names = new Set<string>()
    const write = store.write.bind(store)
    store.write = (name, bytes, options) => {
      written.push(bytes)
      names.add(name)
      return write(name, bytes, options)
    }
    await run(store, urls, 'a job of mine')
    expect(written.length).toBeLessThan(urls.length / 3)
    expect(Math.max(...written.map(({ length }) => length))).toBeLessThan(40_000)
    expect(names.size).toBeGreaterThan(2) // no page grows for ever
    const all = Buffer.concat(written).toString('latin1') + [...names].join()
    for (const word of ['shop.test', 'shop/alice', 'page/', 'token=', 'a job of mine'])
      expect(all.includes(word)).toBe(false)
  })

  test('what has failed is left, or taken again when asked for', async () => {
    const store = memoryStore()
    const fail = (url: string): Promise<void> =>
      url.includes('/page/7?') ? Promise.reject(new Error('seven')) : Promise.resolve()
    const first = await mapUrls(hostOn(store), urls.slice(0, 20), fail, { once: 'job' })
    expect(first).toMatchObject({ done: 19, failed: 1, elsewhere: 0, total: 20 })
    expect((await run(store, urls.slice(0, 20), 'job')).seen).toEqual([])
    expect((await run(store, urls.slice(0, 20), { job: 'job', failed: 'again' })).seen).toEqual([urls[7]])
    expect((await run(store, urls.slice(0, 20), { job: 'job', failed: 'again' })).seen).toEqual([])
  })

  test('a call that is called off gives back what it has not done', async () => {
    const store = memoryStore()
    const stop = new AbortController()
    const work = (_url: string, { index }: { index: number }): Promise<void> => {
      if (index === 5) stop.abort(new Error('enough'))
      return Promise.resolve()
    }
    const off = mapUrls(hostOn(store), urls.slice(0, 50), work, {
      ...{ once: 'job', concurrency: 2, signal: stop.signal },
    })
    await expect(off).rejects.toThrow('enough')
    const { done, elsewhere } = await run(store, urls.slice(0, 50), 'job')
    expect(done + elsewhere).toBe(50)
    expect(elsewhere).toBeGreaterThan(0)
    expect(done).toBeGreaterThanOrEqual(44)
  })

  test('a call that cannot write down how it ended leaves nothing taken that it works on no more', async () => {
    const store = memoryStore()
    const write = store.write.bind(store)
    const work = (): Promise<void> => {
      store.write = () => Promise.reject(new StoreFailedError('write', 'it is away for a moment'))
      return Promise.reject(new SessionDeadError('shop/alice', 'the server no longer takes it'))
    }
    const ending = mapUrls(hostOn(store), urls.slice(0, 20), work, { once: 'job', concurrency: 4 })
    await expect(ending).rejects.toBeInstanceOf(SessionDeadError)
    store.write = write
    expect(await run(store, urls.slice(0, 20), 'job')).toMatchObject({ done: 20, elsewhere: 0 })
  })

  test('what a process claimed that is heard of no more is taken by the others', async () => {
    const store = memoryStore()
    const prefix = jobName('shop/alice', 'job')
    const log = new ClaimLog({ store, keys }, prefix)
    const lost = urls.slice(3, 6)
    const lease = await store.lease(`${prefix}/worker-0`, 60_000)
    await log.append(() => [['claim', `0.${String(lease?.fence)}`, ...lost.map(digestOfAddress)]])
    let finished = false
    const running = run(store, urls.slice(0, 10), 'job').finally(() => (finished = true))
    const isThere = (): Promise<boolean> =>
      log.catchUp().then(() => urls.slice(0, 3).every((url) => log.standing(digestOfAddress(url)) === 'done'))
    while (!(await isThere())) await new Promise(setImmediate)
    expect(finished).toBe(false) // it waits for those that somebody has
    await lease?.release()
    const { seen, done, elsewhere } = await running
    expect([done, elsewhere]).toEqual([10, 0])
    expect(seen.slice(-3).sort()).toEqual([...lost].sort())
  })

  test('a job survives a change of the key', async () => {
    const store = memoryStore()
    const [old, fresh] = [generateKey(), generateKey()]
    const mapWith = (key: string): ReturnType<typeof mapUrls> => {
      const shelf = { store, keys: parseKeys(key) }
      return mapUrls({ ...hostOn(store), shelf }, urls.slice(0, 900), () => Promise.resolve(), {
        once: 'job',
      })
    }
    expect((await mapWith(old)).done).toBe(900)
    const rekeyed = await rekeyAll({ store, keys: parseKeys([fresh, old]) })
    expect(rekeyed.rekeyed).toBeGreaterThan(1)
    expect(await mapWith(fresh)).toMatchObject({ done: 0, elsewhere: 900 })
  })

  test('a job is of its session, or of all accounts of the recipe', async () => {
    const store = memoryStore()
    await run(store, urls.slice(0, 5), 'job')
    expect((await run(store, urls.slice(0, 5), 'job', 'shop/bob')).done).toBe(5)
    await run(store, urls.slice(0, 5), { job: 'all', of: 'recipe' })
    expect((await run(store, urls.slice(0, 5), { job: 'all', of: 'recipe' }, 'shop/bob')).elsewhere).toBe(5)
    expect((await run(store, urls.slice(0, 5), { job: 'all', of: 'recipe' }, 'other/bob')).done).toBe(5)
  })

  test.each([[{ once: '' }], [{ once: 'a', checkpoint: 'b' }], [{ once: { job: 'a', leaseFor: 1 } }]])(
    'refuses %j',
    async (options) => {
      const mapping = mapUrls(hostOn(memoryStore()), urls, () => Promise.resolve(), options)
      await expect(mapping).rejects.toBeInstanceOf(TypeError)
    },
  )
})
