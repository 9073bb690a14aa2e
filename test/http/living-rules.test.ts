import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { HeaderRule } from '../../src/state/header-rule.ts'
import { Traffic } from '../../src/http/trouble/traffic.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { carrierOf, clientOf, failureOf, type Client } from './clients.ts'

/** A nonce that stands in a page and has to go with what changes something, at a site with its own ideas. */
let shop: Shop
let client: Client
let nonce: string
const taken: string[] = []
/** Requests for the page that wait for an answer. */
const pages: ServerResponse[] = []
let waitForPage: (() => void) | undefined
let holdsPage = false

beforeAll(async () => {
  shop = await startShop()
  shop.on('nonce.test', '/page', (_req, res) => {
    if (holdsPage) {
      pages.push(res)
      waitForPage?.()
    } else give(res)
  })
  shop.on('nonce.test', '/act', async (req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(req, 'end')
    const said = String(req.headers['x-nonce'])
    taken.push(said === nonce ? Buffer.concat(chunks).toString() : `refused ${said}`)
    if (said === nonce) res.end('done')
    else {
      const headers = { 'content-encoding': 'gzip', 'content-type': 'text/html' }
      res.writeHead(403, headers).end(gzipSync('<h1>CSRF verification failed</h1>'))
    }
  })
})
afterAll(() => shop.close())

const give = (res: ServerResponse): void => {
  res.writeHead(200, { 'content-type': 'text/html' }).end(`<meta name="nonce" content="${nonce}">`)
}

function rule(header: string, place?: 'body'): HeaderRule {
  return {
    ...{ header, origins: [new URL(shop.url('nonce.test', '/')).origin], methods: 'unsafe', prefix: '' },
    ...(place !== undefined && { in: place }),
    source: {
      from: 'page',
      url: shop.url('nonce.test', '/page'),
      at: { in: 'meta', name: 'nonce' },
      kept: `${header} here`,
    },
  }
}

async function open(rules: HeaderRule[], traffic = new Traffic()): Promise<void> {
  const options = { lookup: shop.lookup, ca: shop.ca, timeout: 5_000 }
  client = await clientOf('fetch', carrierOf({ headerRules: rules, traffic }), options)
}

beforeEach(() => {
  taken.length = pages.length = 0
  nonce = 'first-nonce'
  holdsPage = false
  return () => client.close()
})

const act = (asked: { body?: string; signal?: AbortSignal } = {}): ReturnType<Client['ask']> =>
  client.ask(shop.url('nonce.test', '/act'), { method: 'POST', body: 'x', ...asked })

test('a refusal that says forgery is understood when it comes compressed, too', async () => {
  await open([rule('X-Nonce')])
  expect((await act()).text).toBe('done')
  nonce = 'second-nonce'
  expect((await act()).text).toBe('done')
  expect(taken).toEqual(['x', 'refused first-nonce', 'x'])
})

test('who is called off while a page is read takes nothing from the others, and does not wait for it', async () => {
  await open([rule('X-Nonce')])
  holdsPage = true
  const asked = new Promise<void>((resolve) => (waitForPage = resolve))
  const [first, second] = [new AbortController(), new AbortController()]
  const calledOff = [first, second].map(({ signal }) => failureOf(act({ signal })))
  const patient = act()
  await asked
  for (const controller of [second, first]) controller.abort()
  for (const error of await Promise.all(calledOff)) expect(error.name).toBe('AbortError')
  for (const page of pages) give(page)
  expect((await patient).text).toBe('done')
  expect([pages.length, taken]).toEqual([1, ['x']])
})

test('a field is added to JSON as it stands: no number is written anew', async () => {
  await open([rule('X-Nonce'), rule('_csrf', 'body')])
  const headers = { 'content-type': 'application/json' }
  const send = async (body: string): Promise<void> => {
    await client.ask(shop.url('nonce.test', '/act'), { method: 'POST', body, headers })
  }
  await send('{"id": 12345678901234567890, "price": 1.10 }\n')
  await send('{}')
  await send('{"_csrf":"mine"}')
  expect(taken).toEqual([
    `{"id": 12345678901234567890, "price": 1.10 ,"_csrf":"${nonce}"}\n`,
    `{"_csrf":"${nonce}"}`,
    '{"_csrf":"mine"}',
  ])
})

test('a reading that was to try whether the origin is back does not hold it for ever', async () => {
  const traffic = new Traffic({ retry: false, circuit: { failures: 1, cooldown: 0 } })
  const elsewhere = shop.url('away.test', '/page')
  const { origin } = new URL(elsewhere)
  const source = { from: 'page', url: elsewhere, at: { in: 'meta', name: 'nonce' }, kept: 'k' } as const
  await open([{ ...rule('X-Nonce'), source }], traffic)
  shop.on('away.test', '*', (_req, res) => {
    res.destroy()
  })
  await failureOf(client.ask(elsewhere))
  const standing = (): string | undefined => traffic.standings().find((one) => one.origin === origin)?.circuit
  expect(standing()).toBe('open')
  await client.ask(shop.url('nonce.test', '/act'), { method: 'POST', body: 'x' })
  expect(standing()).toBe('open')
})
