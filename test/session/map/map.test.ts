import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StoreFailedError } from '../../../src/errors.ts'
import { BlockedError } from '../../../src/http/trouble/traffic-errors.ts'
import { mapUrls } from '../../../src/session/map/map.ts'
import type { MapProgress } from '../../../src/session/map/map-options.ts'
import { signsOut } from '../../../src/session/map/sign-out-guard.ts'
import { generateKey, parseKeys } from '../../../src/snapshot/keys.ts'
import { memoryStore } from '../../../src/store/memory.ts'

const shelf = { store: memoryStore(), keys: parseKeys(generateKey()) }
const host = {
  name: 'shop/alice',
  signsOut: (url: string) => signsOut(url, 'https://shop.test/bye?now=1'),
  isDead: () => Promise.resolve(false),
  shelf,
}
const urls = Array.from({ length: 50 }, (_, n) => `https://shop.test/page/${String(n)}?token=secret`)
let folder: string
let files = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'map-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const file = (): string => join(folder, `checkpoint-${String(++files)}`)

describe('session.map', () => {
  test('works on each address once, some at a time, and tells how far it is', async () => {
    let now = 0
    let most = 0
    const seen: string[] = []
    const told: MapProgress[] = []
    const result = await mapUrls(
      host,
      urls,
      async (url) => {
        most = Math.max(most, ++now)
        await new Promise(setImmediate)
        now -= 1
        seen.push(url)
      },
      { concurrency: 7, progress: (progress) => told.push(progress) },
    )
    expect(new Set(seen)).toEqual(new Set(urls))
    expect(seen).toHaveLength(50)
    expect(most).toBe(7)
    expect(result).toMatchObject({ done: 50, failed: 0, skipped: 0, total: 50, failures: [], guarded: [] })
    expect(told.map(({ done }) => done)).toEqual(urls.map((_, n) => n + 1))
  })

  test('takes addresses as they come in, not before they are needed', async () => {
    let made = 0
    let worked = 0
    let ahead = 0
    async function* coming(): AsyncGenerator<string> {
      for (const url of urls) {
        await Promise.resolve()
        made += 1
        ahead = Math.max(ahead, made - worked)
        yield url
      }
    }
    const work = (): Promise<void> => {
      worked += 1
      return Promise.resolve()
    }
    expect((await mapUrls(host, coming(), work, { concurrency: 3 })).done).toBe(50)
    expect(ahead).toBeLessThanOrEqual(3)
  })

  test('notes what fails and goes on; with a checkpoint the next run tries only that again', async () => {
    const checkpoint = file()
    const fail = (url: string): Promise<void> =>
      url.includes('/page/7?') ? Promise.reject(new Error('seven')) : Promise.resolve()
    const first = await mapUrls(host, urls, fail, { checkpoint })
    expect(first).toMatchObject({ done: 49, failed: 1 })
    expect(first.failures).toMatchObject([{ url: 'https://shop.test/page/7', error: { message: 'seven' } }])
    const seen: string[] = []
    const again = await mapUrls(host, urls, (url) => Promise.resolve(seen.push(url)), { checkpoint })
    expect(seen).toEqual([urls[7]])
    expect(again).toMatchObject({ done: 1, skipped: 49, failed: 0, total: 50 })
    expect((await stat(checkpoint)).mode & 0o777).toBe(0o600)
    expect(await readFile(checkpoint, 'utf8')).not.toMatch(/token|secret|page/)
  })

  test('a line that a crash cut short does not count', async () => {
    const checkpoint = file()
    await mapUrls(host, urls.slice(0, 3), () => Promise.resolve(), { checkpoint })
    const text = await readFile(checkpoint, 'utf8')
    await writeFile(checkpoint, text.slice(0, -5))
    const seen: string[] = []
    const result = await mapUrls(host, urls.slice(0, 4), (url) => Promise.resolve(seen.push(url)), {
      checkpoint,
    })
    expect(result).toMatchObject({ done: 2, skipped: 2 })
    const last = await mapUrls(host, urls.slice(0, 4), () => Promise.resolve(), { checkpoint })
    expect(last).toMatchObject({ done: 0, skipped: 4 })
  })

  test('the checkpoint of another session, or something else, is refused and left as it is', async () => {
    const checkpoint = file()
    await mapUrls(host, urls.slice(0, 1), () => Promise.resolve(), { checkpoint })
    const text = await readFile(checkpoint, 'utf8')
    const other = mapUrls({ ...host, name: 'shop/bob' }, urls, () => Promise.resolve(), { checkpoint })
    await expect(other).rejects.toBeInstanceOf(TypeError)
    expect(await readFile(checkpoint, 'utf8')).toBe(text)
  })

  test('ends when the session is kept out: what runs is called off, the rest is not begun', async () => {
    const facts = { session: host.name, url: 'https://shop.test/', statusCode: 403, until: 0 }
    const begun: number[] = []
    const off: unknown[] = []
    const mapping = mapUrls(
      host,
      urls,
      (_url, { index, signal }) => {
        begun.push(index)
        if (index === 2) return Promise.reject(new BlockedError({ ...facts, by: 'cloudflare' }))
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            off.push(index)
            reject(new Error('off'))
          })
        })
      },
      { concurrency: 4 },
    )
    await expect(mapping).rejects.toBeInstanceOf(BlockedError)
    expect([begun, off]).toEqual([
      [0, 1, 2, 3],
      [0, 1, 3],
    ])
  })

  test.each([
    { isDead: true, outcome: 'ends the run' },
    { isDead: false, outcome: 'is one of its address' },
  ])('a store that fails the work $outcome when the session is dead: $isDead', async ({ isDead }) => {
    let asked = 0
    const away = new StoreFailedError('lease shop/alice', 'it is away')
    const asking = {
      ...host,
      isDead: () => {
        asked += 1
        return Promise.resolve(isDead)
      },
    }
    const mapping = mapUrls(asking, urls, () => Promise.reject(away), { concurrency: 1 })
    if (isDead) await expect(mapping).rejects.toBe(away)
    else expect((await mapping).failed).toBe(50)
    expect(asked).toBe(1) // and not for each address
  })

  test('can be called off', async () => {
    const controller = new AbortController()
    const mapping = mapUrls(
      host,
      urls,
      (_url, { index }) => {
        if (index === 5) controller.abort(new Error('enough'))
        return Promise.resolve()
      },
      { concurrency: 1, signal: controller.signal },
    )
    await expect(mapping).rejects.toThrow('enough')
  })

  test.each([0, -1, 1.5, Number.NaN])('refuses %s at a time', async (concurrency) => {
    await expect(mapUrls(host, urls, () => Promise.resolve(), { concurrency })).rejects.toBeInstanceOf(
      TypeError,
    )
  })

  test('leaves out what would sign out, and says so', async () => {
    const seen: string[] = []
    const links = [
      'https://shop.test/a',
      'https://shop.test/bye?x=2',
      'https://shop.test/account/logout?t=secret',
    ]
    const result = await mapUrls(host, links, (url) => Promise.resolve(seen.push(url)))
    expect(seen).toEqual(['https://shop.test/a'])
    expect(result).toMatchObject({ done: 1, skipped: 2 })
    expect([...result.guarded].sort()).toEqual(['https://shop.test/account/logout', 'https://shop.test/bye'])
  })
})

describe('an address that signs out', () => {
  const all = [
    'https://a.test/logout',
    'https://a.test/user/log-out/',
    'https://a.test/sign_out',
    'https://a.test/SignOut.aspx',
    'https://a.test/logoff?x=1',
    'https://a.test/wp-login.php?action=logout',
    'https://a.test/connect/endsession',
  ]
  test.each(all)('%s is one', (url) => {
    expect(signsOut(url, undefined)).toBe(true)
  })

  const none = [
    'https://a.test/catalog/outdoor',
    'https://a.test/blog/outlook',
    'https://a.test/login',
    'https://a.test/articles/how-catalogues-work',
    'https://a.test/?q=logout',
    'not a URL',
  ]
  test.each(none)('%s is none', (url) => {
    expect(signsOut(url, undefined)).toBe(false)
  })
})
