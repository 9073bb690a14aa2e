import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HeaderRule, RuleSource } from '../../src/state/header-rule.ts'
import { keptOrigin } from '../../src/state/kept-values.ts'
import type { OriginState } from '../../src/state/state.ts'
import { startShop, type Shop } from '../site/shop.ts'
import type { Echo } from '../site/workbench.ts'
import { carrierOf, clientNames, clientOf, cookie } from './clients.ts'

let shop: Shop
let home: string

beforeAll(async () => {
  shop = await startShop()
  home = new URL(shop.url('home.test')).origin
})
afterAll(async () => {
  await shop.close()
})

const value = 'canary-of-a-rule-0123'
const kept = 'x-key of home'

const sources = (): Record<string, RuleSource> => ({
  indexedDB: {
    ...{ from: 'indexedDB', origin: home, database: 'app', store: 'tokens', path: ['auth', 'token'] },
    key: '"current"',
  },
  'a cookie with a changing name': { from: 'cookie', name: 'Key-*', dynamic: true },
  'a page': { from: 'page', url: `${home}/blank`, at: { in: 'meta', name: 'key' }, kept },
  'an answer': {
    from: 'answer',
    url: `${home}/token`,
    method: 'POST',
    at: { json: ['token'] },
    kept,
    page: home,
  },
  'the wire': { from: 'observed', kept, page: home },
})

function stateOf(): { cookies: ReturnType<typeof cookie>[]; origins: OriginState[] } {
  const record = { key: 'current', value: { auth: { token: value } } }
  const store = { name: 'tokens', autoIncrement: false, records: [record], indexes: [] }
  return {
    cookies: [cookie({ name: 'Key-Q1W2', value, httpOnly: false, domain: 'home.test' })],
    origins: [
      { origin: home, localStorage: [], indexedDB: [{ name: 'app', version: 1, stores: [store] }] },
      { origin: keptOrigin, localStorage: [{ name: kept, value }] },
    ],
  }
}

const names = ['indexedDB', 'a cookie with a changing name', 'a page', 'an answer', 'the wire']
const cases = names.flatMap((name) => clientNames.map((client) => [name, client] as const))

describe('a header made from', () => {
  test.each(cases)('%s stays at home, with %s', async (name, clientName) => {
    const source = sources()[name]
    if (source === undefined) throw new Error('no such source')
    const isDynamic = source.from === 'cookie'
    const rule: HeaderRule = {
      ...{ header: isDynamic ? 'X-Key-*' : 'X-Key', origins: [home], methods: 'all', prefix: '', source },
    }
    const header = isDynamic ? 'x-key-q1w2' : 'x-key'
    const http = { lookup: shop.lookup, ca: shop.ca }
    const client = await clientOf(clientName, carrierOf({ ...stateOf(), headerRules: [rule] }), http)
    try {
      const ask = async (url: string, method = 'GET'): Promise<Echo> =>
        JSON.parse((await client.ask(url, { method })).text) as Echo
      const has = ({ headers }: Echo): boolean =>
        headers.some(([found, sent]) => found.toLowerCase() === header && sent === value)
      expect(has(await ask(`${home}/echo`))).toBe(true)
      expect(has(await ask(`${home}/redirect?to=${encodeURIComponent('/echo')}`))).toBe(true)
      for (const abroad of [shop.url('abroad.test', '/echo'), shop.url('sub.home.test', '/echo')]) {
        expect((await ask(abroad)).headers.flat()).not.toContain(value)
        for (const status of ['302', '307']) {
          const away = await ask(`${home}/redirect?status=${status}&to=${encodeURIComponent(abroad)}`)
          expect(JSON.stringify(away)).not.toContain(value)
        }
        const back = await ask(
          `${abroad.replace('/echo', '/redirect')}?status=307&to=${encodeURIComponent(`${home}/echo`)}`,
          'POST',
        )
        expect(has(back)).toBe(false)
      }
    } finally {
      await client.close()
    }
  })
})

test('a constant that says nothing about who asks goes with what scripts ask, not with a typed address', async () => {
  const constant: HeaderRule = {
    ...{ header: 'X-Requested-With', origins: [home], methods: 'all', prefix: '' },
    source: { from: 'observed', kept, page: home },
  }
  const bearer: HeaderRule = { ...constant, header: 'Authorization' }
  const sent = async (rule: HeaderRule, name: 'http' | 'fetch'): Promise<(string | undefined)[]> => {
    const http = { lookup: shop.lookup, ca: shop.ca }
    const origins = [{ origin: keptOrigin, localStorage: [{ name: kept, value: 'XMLHttpRequest' }] }]
    const client = await clientOf(name, carrierOf({ origins, headerRules: [rule] }), http)
    const { headers } = JSON.parse((await client.ask(`${home}/echo`)).text) as Echo
    await client.close()
    const value = (wanted: string): string | undefined =>
      headers.find(([found]) => found.toLowerCase() === wanted)?.[1]
    return [value(rule.header.toLowerCase()), value('accept')]
  }
  // Without an identity a typed address has no Accept; a script's has its own.
  expect(await sent(constant, 'http')).toEqual([undefined, undefined])
  expect(await sent(constant, 'fetch')).toEqual(['XMLHttpRequest', '*/*'])
  expect(await sent(bearer, 'http')).toEqual(['XMLHttpRequest', '*/*'])
})
