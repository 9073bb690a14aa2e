import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BlockedError } from '../../../src/http/trouble/traffic-errors.ts'
import { ResponseStatusError } from '../../../src/errors.ts'
import { readLetters } from '../../../src/session/letters/dead-letter.ts'
import { mapUrls } from '../../../src/session/map/map.ts'
import { generateKey, parseKeys } from '../../../src/snapshot/keys.ts'
import { jsonlLetters } from '../../../src/store/letters.ts'
import { memoryStore } from '../../../src/store/memory.ts'

const keys = parseKeys(generateKey())
const host = {
  name: 'shop/alice',
  signsOut: () => false,
  isDead: () => Promise.resolve(false),
  shelf: { store: memoryStore(), keys },
}
const urls = Array.from({ length: 20 }, (_, n) => `https://shop.test/page/${String(n)}?token=secret`)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'map-letters-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const gone = (url: string): Promise<void> => {
  const isBad = url.includes('/page/7?') || url.includes('/page/9?')
  return isBad ? Promise.reject(new ResponseStatusError('GET', new URL(url), 404)) : Promise.resolve()
}

describe('session.map with dead letters', () => {
  test('keeps what failed with why, and the address sealed', async () => {
    const path = join(folder, 'kept')
    await mapUrls(host, urls, gone, { deadLetters: jsonlLetters(path), once: 'orders' })
    const { letters, unreadable } = await readLetters(jsonlLetters(path), keys)
    expect(unreadable).toBe(0)
    expect(
      letters.map(({ url, session, job, code, status, tries }) => [url, session, job, code, status, tries]),
    ).toEqual([
      [urls[7], 'shop/alice', 'orders', 'response-status', 404, 1],
      [urls[9], 'shop/alice', 'orders', 'response-status', 404, 1],
    ])
    const text = await readFile(path, 'utf8')
    expect(text).toContain('https://shop.test/page/7')
    expect(`${text}${JSON.stringify(letters)}${inspect(letters)}`).not.toMatch(/token|secret/)
    expect((await readLetters(jsonlLetters(path), parseKeys(generateKey()))).unreadable).toBe(2)
  })

  test('letters given as addresses leave their shelf when done, and stay with one try more when not', async () => {
    const letters = jsonlLetters(join(folder, 'again'))
    await mapUrls(host, urls, gone, { deadLetters: letters })
    await mapUrls({ ...host, name: 'shop/bob' }, urls, gone, { deadLetters: letters })
    const seen: string[] = []
    const work = (url: string): Promise<void> => {
      seen.push(url)
      return url.includes('/page/7?') ? Promise.reject(new Error('still')) : Promise.resolve()
    }
    expect(await mapUrls(host, letters, work)).toMatchObject({ done: 1, failed: 1, total: 2 })
    expect(seen.sort()).toEqual([urls[7], urls[9]])
    const left = (await readLetters(letters, keys)).letters.map(({ session, url, tries, code }) => [
      session,
      url,
      tries,
      code,
    ])
    expect(left).toHaveLength(3)
    expect(left).toContainEqual(['shop/alice', urls[7], 2, 'Error'])
    expect(left).toContainEqual(['shop/bob', urls[7], 1, 'response-status'])
  })

  test('what is called off because the session is kept out is no letter, and letters stay as they were', async () => {
    const letters = jsonlLetters(join(folder, 'off'))
    await mapUrls(host, urls, gone, { deadLetters: letters })
    const facts = { session: host.name, url: 'https://shop.test/', statusCode: 403, until: 0 }
    const out = (): Promise<void> => Promise.reject(new BlockedError({ ...facts, by: 'cloudflare' }))
    await expect(mapUrls(host, letters, out)).rejects.toBeInstanceOf(BlockedError)
    await expect(mapUrls(host, urls, out, { deadLetters: letters })).rejects.toBeInstanceOf(BlockedError)
    expect((await readLetters(letters, keys)).letters.map(({ tries }) => tries)).toEqual([1, 1])
  })

  test('a shelf that keeps nothing ends the run: nothing is lost in silence', async () => {
    const letters = jsonlLetters(join(folder, 'full'), { maxBytes: 1 })
    await expect(mapUrls(host, urls, gone, { deadLetters: letters })).rejects.toMatchObject({
      code: 'store-failed',
    })
  })

  test('refuses letters together with a job or a checkpoint', async () => {
    const letters = jsonlLetters(join(folder, 'misuse'))
    await expect(mapUrls(host, letters, gone, { once: 'job' })).rejects.toBeInstanceOf(TypeError)
  })
})
