import type { Shop } from '../../site/shop.ts'

/** A request that a page or its reader makes, said so that a browser and each of our clients can make it. */
export interface WireCase {
  readonly what: string
  /** `address` is typed; `link` and `form` stand on the page `from`; `fetch` and `xhr` are its script's. */
  readonly by: 'address' | 'link' | 'form' | 'fetch' | 'xhr'
  readonly from?: string
  readonly to: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Encoding of a form. */
  readonly encoding?: string
  readonly credentials: 'include' | 'omit'
}

type Part = Partial<Omit<WireCase, 'what' | 'to' | 'from'>>

const json = { 'Content-Type': 'application/json' }
const form = { 'Content-Type': 'application/x-www-form-urlencoded' }

/** What applications write by hand: the order of these is that of a hash table, so many different sets tell more. */
const headerSets: readonly Readonly<Record<string, string>>[] = [
  { Accept: 'application/json' },
  { 'X-Requested-With': 'XMLHttpRequest' },
  { 'X-CSRF-Token': 'a', 'X-Requested-With': 'XMLHttpRequest' },
  { 'X-XSRF-TOKEN': 'a', Accept: 'application/json, text/plain, */*' },
  { Authorization: 'Bearer a' },
  { Authorization: 'Bearer a', Accept: 'application/json', 'X-Client-Version': '1.2.3' },
  { authorization: 'Bearer a', 'x-api-key': 'b', 'x-tenant': 'c', 'x-trace-id': 'd', accept: 'text/csv' },
  { 'If-None-Match': '"a"' },
  { 'Accept-Language': 'de' },
  { Range: 'bytes=0-9' },
  { traceparent: '00-a-b-01', baggage: 'a=1', 'sentry-trace': 'a-b-1' },
  { 'Apollo-Require-Preflight': 'true', 'X-Apollo-Operation-Name': 'Q', Accept: 'multipart/mixed, */*' },
  { 'X-A-Header-Whose-Name-Is-Longer-Than-All-That-Anybody-Has-Ever-Written-By-Hand': '1' },
  {
    'X-Amz-Date': '20261120T000000Z',
    'X-Amz-Target': 'a.b',
    'X-Amz-User-Agent': 'js',
    'X-Amz-Security-Token': 't',
  },
]

export function wireCases(shop: Shop): readonly WireCase[] {
  const at = (host: string, path = '/rec/a'): string => shop.url(host, path)
  const over = (status: number, host: string, to: string, path = '/rec/r'): string =>
    `${at(host, path)}?status=${String(status)}&to=${encodeURIComponent(to)}`
  const page = at('shop.test', '/rec/page/list?sort=price&dir=up')
  const plainPage = shop.httpUrl('shop.test', '/rec/page')
  const one = (what: string, by: WireCase['by'], to: string, part: Part = {}, from = page): WireCase => ({
    ...{ what, by, to, method: 'GET', headers: {}, credentials: 'include' },
    ...(by !== 'address' && { from }),
    ...part,
  })
  const post = (headers: Readonly<Record<string, string>>, body: string): Part => ({
    method: 'POST',
    headers,
    body,
  })

  const addresses = [
    one('typed', 'address', at('shop.test')),
    one('typed, with a path below and a query', 'address', at('shop.test', '/rec/a/b.html?q=a%20b&r=%C3%BC')),
    one('typed, another site', 'address', at('other.test')),
    one('typed, http', 'address', shop.httpUrl('shop.test', '/rec/a')),
    one('typed, redirected at home', 'address', over(302, 'shop.test', at('shop.test'))),
    one('typed, redirected to a host of the site', 'address', over(301, 'shop.test', at('api.shop.test'))),
    one('typed, redirected abroad', 'address', over(308, 'shop.test', at('other.test'))),
    one(
      'typed, abroad and back',
      'address',
      over(302, 'shop.test', over(307, 'other.test', at('shop.test'))),
    ),
    one(
      'typed, http to https',
      'address',
      `${shop.httpUrl('shop.test', '/rec/r')}?to=${encodeURIComponent(at('shop.test'))}`,
    ),
    one('typed, https to http', 'address', over(302, 'shop.test', shop.httpUrl('shop.test', '/rec/a'))),
  ]
  const links = [
    one('a link at home', 'link', at('shop.test', '/rec/a?n=2')),
    one('a link to a host of the site', 'link', at('api.shop.test')),
    one('a link abroad', 'link', at('other.test')),
    one('a link from abroad', 'link', at('shop.test'), {}, at('other.test', '/rec/page')),
    one('a link, redirected abroad', 'link', over(302, 'shop.test', at('other.test'))),
    one('a link, http', 'link', shop.httpUrl('shop.test', '/rec/a'), {}, plainPage),
  ]
  const forms = [
    one('a form that gets', 'form', at('shop.test'), { body: 'q=v+w' }),
    one('a form that posts', 'form', at('shop.test'), { method: 'POST', body: 'q=v+w' }),
    one('a form that posts in parts', 'form', at('shop.test'), {
      method: 'POST',
      body: 'q=v+w',
      encoding: 'multipart/form-data',
    }),
    one('a form that posts plain text', 'form', at('shop.test'), {
      method: 'POST',
      body: 'q=v+w',
      encoding: 'text/plain',
    }),
    one('a form that posts to a host of the site', 'form', at('id.shop.test'), {
      method: 'POST',
      body: 'q=v',
    }),
    one('a form that posts abroad', 'form', at('other.test'), { method: 'POST', body: 'q=v' }),
    one(
      'a form that posts from abroad',
      'form',
      at('shop.test'),
      { method: 'POST', body: 'q=v' },
      at('other.test', '/rec/page'),
    ),
    one('a form that posts, answered 303', 'form', over(303, 'shop.test', at('shop.test')), {
      method: 'POST',
      body: 'q=v',
    }),
    one('a form that posts, answered 302 abroad', 'form', over(302, 'shop.test', at('other.test')), {
      method: 'POST',
      body: 'q=v',
    }),
    one('a form that posts, answered 307', 'form', over(307, 'shop.test', at('shop.test')), {
      method: 'POST',
      body: 'q=v',
    }),
    one(
      'a form that posts, http',
      'form',
      shop.httpUrl('shop.test', '/rec/a'),
      { method: 'POST', body: 'q=v' },
      plainPage,
    ),
  ]
  const asked = (by: 'fetch' | 'xhr'): WireCase[] => [
    ...['GET', 'HEAD', 'DELETE', 'POST', 'PUT', 'PATCH'].map((method) =>
      one(`${by}: ${method} without a body`, by, at('shop.test', `/rec/api/${method}`), { method }),
    ),
    ...['POST', 'PUT', 'PATCH', 'DELETE'].map((method) =>
      one(`${by}: ${method} of JSON`, by, at('shop.test', '/rec/api'), { ...post(json, '{"a":1}'), method }),
    ),
    one(`${by}: POST of a form`, by, at('shop.test', '/rec/api?x=1'), post(form, 'a=1&b=2')),
    one(`${by}: POST of text`, by, at('shop.test', '/rec/api'), post({}, 'text')),
    ...headerSets.flatMap((headers) => {
      const names = Object.keys(headers).join(', ')
      const body = post({ ...headers, ...json }, '{}')
      return [
        one(`${by}: GET with ${names}`, by, at('shop.test', '/rec/api'), { headers }),
        one(`${by}: POST with ${names}`, by, at('shop.test', '/rec/api'), body),
      ]
    }),
    one(`${by}: http`, by, shop.httpUrl('shop.test', '/rec/api'), {}, plainPage),
    one(`${by}: POST by http`, by, shop.httpUrl('shop.test', '/rec/api'), post(json, '{}'), plainPage),
  ]
  const abroad = [
    one('fetch: a host of the site', 'fetch', at('api.shop.test')),
    one('fetch: POST to a host of the site', 'fetch', at('api.shop.test'), post(json, '{}')),
    one('fetch: another site', 'fetch', at('other.test')),
    one('fetch: another site, with headers', 'fetch', at('other.test'), {
      headers: { 'X-Requested-With': 'x' },
    }),
    one('fetch: POST to another site', 'fetch', at('other.test'), post(json, '{}')),
    one('fetch: PUT to another site', 'fetch', at('other.test'), { ...post({}, 'x'), method: 'PUT' }),
    one('fetch: from another site', 'fetch', at('shop.test'), {}, at('other.test', '/rec/page')),
    one('fetch: without credentials', 'fetch', at('shop.test'), { credentials: 'omit' }),
    one('fetch: another site, without credentials', 'fetch', at('other.test'), { credentials: 'omit' }),
    one('fetch: redirected at home', 'fetch', over(302, 'shop.test', at('shop.test'))),
    one('fetch: redirected to a host of the site', 'fetch', over(302, 'shop.test', at('api.shop.test'))),
    one('fetch: redirected abroad', 'fetch', over(307, 'shop.test', at('other.test'))),
    one('fetch: abroad and back', 'fetch', over(302, 'shop.test', over(302, 'other.test', at('shop.test')))),
    one('fetch: POST, answered 303', 'fetch', over(303, 'shop.test', at('shop.test')), post(json, '{}')),
    one('fetch: POST, answered 307', 'fetch', over(307, 'shop.test', at('shop.test')), post(json, '{}')),
    one(
      'fetch: POST of a form, answered 307 abroad',
      'fetch',
      over(307, 'shop.test', at('other.test')),
      post(form, 'a=1'),
    ),
  ]
  return [...addresses, ...links, ...forms, ...asked('fetch'), ...asked('xhr'), ...abroad]
}
