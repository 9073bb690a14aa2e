import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { exchangesAround } from '../../../src/http/around.ts'
import type { Carrier } from '../../../src/http/carrier.ts'
import { createFetch, type SessionFetch } from '../../../src/http/fetch.ts'
import { createHttp, type SessionHttp } from '../../../src/http/client.ts'
import type { HttpOptions } from '../../../src/http/options.ts'
import { startShop, type Shop } from '../../site/shop.ts'
import { carrierOf } from '../clients.ts'

/** What a cache must not give, although its rules of freshness would. */
let shop: Shop
let http: SessionHttp & { close(): Promise<void> }
let fetch: SessionFetch
const asked: string[] = []
const url = (path: string): string => shop.url('cache.test', path)

beforeAll(async () => {
  shop = await startShop()
  shop.on('cache.test', '*', (req, res) => {
    asked.push(req.url ?? '')
    res.setHeader('cache-control', 'max-age=600')
    if (req.url === '/moved') res.writeHead(301, { location: '/here' }).end('moved')
    else if (req.url?.startsWith('/heavy') === true)
      res.writeHead(200, { 'x-heavy': 'x'.repeat(10_000) }).end()
    else res.end(`for ${String(req.headers['x-api-key'])}`)
  })
})
afterAll(() => shop.close())

function open(cache: HttpOptions['cache']): void {
  const options: HttpOptions = { lookup: shop.lookup, ca: shop.ca, cache: cache ?? true }
  const carrier: Carrier = { ...carrierOf({}), around: exchangesAround(options, () => carrier) }
  http = createHttp(carrier, options)
  fetch = createFetch(carrier, options)
}
beforeEach(() => {
  asked.length = 0
  open(true)
})
afterEach(() => Promise.all([http.close(), fetch.close()]))

test('a redirect that was given to a caller who follows none is followed for the next', async () => {
  for (let n = 0; n < 2; n++) {
    expect((await fetch(url('/moved'), { redirect: 'manual' })).status).toBe(301)
    expect(await http(url('/moved')).text()).toBe('for undefined')
    await expect(fetch(url('/moved'), { redirect: 'error' })).rejects.toMatchObject({
      cause: { code: 'redirect-refused' },
    })
  }
})

test('who asks with another key of his own gets no answer that was for the first', async () => {
  const ask = (key: string): Promise<string> => http(url('/mine'), { headers: { 'X-Api-Key': key } }).text()
  expect([await ask('one'), await ask('two'), await ask('two')]).toEqual(['for one', 'for two', 'for two'])
  expect(asked).toHaveLength(2)
})

test('heads count, too: answers of nothing else do not fill the memory', async () => {
  await http.close()
  open({ maxBytes: 100_000 })
  for (let n = 0; n < 12; n++) await http(url(`/heavy/${String(n)}`))
  await http(url('/heavy/11'))
  expect(asked).toHaveLength(12)
  await http(url('/heavy/0'))
  expect(asked).toHaveLength(13)
})
