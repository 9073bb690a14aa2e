import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { rememberSecureHost, secureUrl } from '../../src/http/secure-hosts.ts'
import { Cell } from '../../src/state/cell.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { carrierOf, clientOf, cookie, failureOf, type Client } from './clients.ts'

/** Hosts that have asked to be spoken to over TLS only (RFC 6797), as a browser does from then on. */
let shop: Shop
const seen: string[] = []
const clients: Client[] = []

beforeAll(async () => {
  shop = await startShop()
  for (const host of ['strict.test', 'lax.test'])
    shop.on(host, '*', (req, res) => {
      const isPlain = !('encrypted' in req.socket)
      seen.push(`${isPlain ? 'http' : 'https'} ${host}${req.url ?? ''} ${req.headers.cookie ?? '-'}`)
      if (host === 'strict.test') res.setHeader('strict-transport-security', 'max-age=600')
      if (req.url === '/down') res.writeHead(302, { location: shop.httpUrl(host, '/landed') }).end()
      else res.end()
    })
})
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()))
  await shop.close()
})
beforeEach(() => {
  seen.length = 0
})

const open = async (): Promise<Client> => {
  const cookies = ['strict.test', 'lax.test'].map((domain) =>
    cookie({ name: 'sid', value: shop.canary, domain, secure: false }),
  )
  const client = await clientOf('http', carrierOf({ cookies }), { lookup: shop.lookup, ca: shop.ca })
  clients.push(client)
  return client
}

test('nothing follows a redirect into the open, where the host has asked for that', async () => {
  const client = await open()
  // What listens at that port speaks no TLS: better no answer than the session in the open.
  await failureOf(client.ask(shop.url('strict.test', '/down')))
  expect(seen).toEqual([`https strict.test/down sid=${shop.canary}`])
  await failureOf(client.ask(shop.httpUrl('strict.test', '/typed')))
  expect(seen).toHaveLength(1)
})

test('control: a host that has not is followed, as browsers follow it', async () => {
  const client = await open()
  await client.ask(shop.url('lax.test', '/down'))
  expect(seen.at(-1)).toBe(`http lax.test/landed sid=${shop.canary}`)
})

const year = 'max-age=31536000'
test.each([
  ['a host for itself', 'https://a.test/', year, 'http://a.test/', 'https://a.test/'],
  ['port 80 becomes 443', 'https://a.test/', year, 'http://a.test:80/x?', 'https://a.test/x?'],
  ['another port stays', 'https://a.test/', year, 'http://a.test:81/', 'https://a.test:81/'],
  ['not for those below', 'https://a.test/', year, 'http://b.a.test/', 'http://b.a.test/'],
  [
    'for those below',
    'https://a.test/',
    `${year}; includeSubDomains`,
    'http://c.b.a.test/',
    'https://c.b.a.test/',
  ],
  ['in any case, quoted', 'https://a.test/', 'MAX-AGE="600";preload', 'http://a.test/', 'https://a.test/'],
  ['not in the open', 'http://a.test/', year, 'http://a.test/', 'http://a.test/'],
  ['not without an age', 'https://a.test/', 'includeSubDomains', 'http://a.test/', 'http://a.test/'],
  ['not for an address', 'https://127.0.0.1/', year, 'http://127.0.0.1/', 'http://127.0.0.1/'],
])('%s', (_what, from, said, asked, expected) => {
  const cell = new Cell()
  rememberSecureHost(cell, new URL(from), { 'strict-transport-security': said })
  expect(secureUrl(cell, new URL(asked)).href).toBe(expected)
  rememberSecureHost(cell, new URL(from), { 'strict-transport-security': 'max-age=0' })
  expect(secureUrl(cell, new URL(asked)).href).toBe(
    from.startsWith('https') ? asked.replace(':80/', '/') : asked,
  )
})
