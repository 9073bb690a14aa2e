import { describe, expect, test } from 'vitest'
import { SessionDeadError } from '../../../src/errors.ts'
import { mapUrls } from '../../../src/session/map/map.ts'
import { generateKey, parseKeys } from '../../../src/snapshot/keys.ts'
import { memoryStore } from '../../../src/store/memory.ts'

const host = {
  name: 'shop/alice',
  signsOut: () => false,
  isDead: () => Promise.resolve(false),
  shelf: { store: memoryStore(), keys: parseKeys(generateKey()) },
}
const ways = (job: string) => [{}, { once: job }]

describe('session.map that is called off', () => {
  test.each(ways('slow'))('ends although no further address comes in: %j', async (way) => {
    const stop = new AbortController()
    async function* slow(): AsyncGenerator<string> {
      yield 'https://shop.test/1'
      await new Promise(() => undefined)
    }
    const work = (): Promise<void> => {
      setImmediate(() => {
        stop.abort(new Error('enough'))
      })
      return Promise.resolve()
    }
    const mapping = mapUrls(host, slow(), work, { ...way, signal: stop.signal })
    await expect(mapping).rejects.toThrow('enough')
  })

  test.each(ways('dead'))('ends when one of the others has found the session dead: %j', async (way) => {
    async function* slow(): AsyncGenerator<string> {
      yield 'https://shop.test/1'
      await new Promise(() => undefined)
    }
    const mapping = mapUrls(host, slow(), () => Promise.reject(new SessionDeadError('shop/alice', 'x')), way)
    await expect(mapping).rejects.toBeInstanceOf(SessionDeadError)
  })

  test('lets a generator that gives addresses clean up', async () => {
    let open = true
    function* lines(): Generator<string> {
      try {
        for (;;) yield 'https://shop.test/1'
      } finally {
        open = false
      }
    }
    const stop = new AbortController()
    const work = (): Promise<void> => {
      stop.abort(new Error('enough'))
      return Promise.resolve()
    }
    await expect(mapUrls(host, lines(), work, { signal: stop.signal })).rejects.toThrow('enough')
    expect(open).toBe(false)
  })
})
