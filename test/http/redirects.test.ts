import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RedirectRefusedError } from '../../src/errors.ts'
import type { Hop } from '../../src/http/hop.ts'
import { nextHop, refererOf } from '../../src/http/redirects.ts'

const home = 'https://shop.test/a/b?q=1'

function hop(part: Partial<Hop> = {}): Hop {
  return {
    method: 'GET',
    url: new URL(home),
    kind: 'navigation',
    written: [],
    initiator: undefined,
    referrer: undefined,
    referrerPolicy: 'strict-origin-when-cross-origin',
    passed: [],
    tainted: false,
    anonymous: false,
    body: 'none',
    ...part,
  }
}

function go(
  status: number,
  location: string | string[] | undefined,
  part: Partial<Hop> = {},
): Hop | undefined {
  return nextHop(hop(part), status, { location })
}

describe('method and body after a redirect', () => {
  const table: [status: number, method: string, next: string][] = [
    [301, 'GET', 'GET'],
    [301, 'HEAD', 'HEAD'],
    [301, 'POST', 'GET'],
    [301, 'PUT', 'PUT'],
    [302, 'POST', 'GET'],
    [302, 'DELETE', 'DELETE'],
    [303, 'GET', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [303, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [307, 'POST', 'POST'],
    [307, 'PATCH', 'PATCH'],
    [308, 'POST', 'POST'],
    [308, 'DELETE', 'DELETE'],
  ]
  test.each(table)('%i turns %s into %s', (status, method, next) => {
    const body = method === 'GET' || method === 'HEAD' ? 'none' : 'bytes'
    const followed = go(status, '/next', { method, body })
    expect(followed?.method).toBe(next)
    expect(followed?.body).toBe(next === method ? body : 'none')
  })

  test('what describes the body leaves with the body', () => {
    const written = [
      ['Content-Type', 'application/json'],
      ['X-Own', '1'],
    ] as const
    expect(go(303, '/next', { method: 'POST', body: 'bytes', written })?.written).toEqual([['X-Own', '1']])
  })

  test('a stream is not sent twice', () => {
    expect(() => go(307, '/next', { method: 'POST', body: 'stream' })).toThrow(RedirectRefusedError)
    expect(go(302, '/next', { method: 'POST', body: 'stream' })?.method).toBe('GET')
  })
})

describe('where a Location leads', () => {
  const table: [location: string, url: string][] = [
    ['/x', 'https://shop.test/x'],
    ['x', 'https://shop.test/a/x'],
    ['?x=1', 'https://shop.test/a/b?x=1'],
    ['//other.test/x', 'https://other.test/x'],
    ['\\\\other.test\\x', 'https://other.test/x'],
    ['  /x\t', 'https://shop.test/x'],
    ['HTTPS://OTHER.test:443/', 'https://other.test/'],
    ['https://user:secret@other.test/', 'https://other.test/'],
    ['https:/x', 'https://shop.test/x'],
    ['/\u00c3\u00a4', 'https://shop.test/%C3%A4'],
    ['/\u00e4', 'https://shop.test/%EF%BF%BD'],
    ['https://other.test/%zz', 'https://other.test/%zz'],
    ['.', 'https://shop.test/a/'],
  ]
  test.each(table)('%j leads to %s', (location, url) => {
    expect(go(302, location)?.url.href).toBe(url)
  })

  test('the fragment of the first address is kept unless the Location has its own', () => {
    const url = new URL('https://shop.test/a#here')
    expect(go(302, '/x', { url })?.url.hash).toBe('#here')
    expect(go(302, '/x#there', { url })?.url.hash).toBe('#there')
    expect(go(302, '/x#', { url })?.url.hash).toBe('')
  })

  test.each(['', undefined])('without a Location (%j) a redirect status is an answer', (location) => {
    expect(go(302, location)).toBeUndefined()
  })

  test.each([200, 201, 300, 304, 305, 306, 399, 401])(
    'status %i is an answer even with a Location',
    (status) => {
      expect(go(status, '/x')).toBeUndefined()
    },
  )

  test.each([
    'ftp://x.test/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:,x',
    'blob:https://a.test/1',
    'http://',
    'https://a b/',
  ])('%s is refused', (location) => {
    expect(() => go(302, location)).toThrow(RedirectRefusedError)
  })

  test('two different Locations are refused, twice the same is one', () => {
    expect(() => go(302, ['/a', '/b'])).toThrow(RedirectRefusedError)
    expect(go(302, ['/a', '/a'])?.url.pathname).toBe('/a')
  })

  test('a refusal does not tell the query of the place it came from', () => {
    expect(() => go(302, 'file:///secret', { url: new URL('https://shop.test/a?token=canary') })).toThrow(
      /^(?!.*canary)(?!.*secret)/,
    )
  })
})

describe('what stays home', () => {
  const written = [
    ['Accept', 'text/html'],
    ['Accept-Language', 'de'],
    ['Authorization', 'Bearer canary'],
    ['Cookie', 'sid=canary'],
    ['Range', 'bytes=0-1'],
    ['User-Agent', 'Own/1'],
    ['X-Api-Key', 'canary'],
  ] as const

  test.each([
    'https://other.test/',
    'https://api.shop.test/',
    'https://shop.test:8443/',
    'http://shop.test/',
    'https://shop.test./',
  ])('custom headers do not go to %s', (location) => {
    const names = go(302, location, { written })?.written.map(([name]) => name)
    expect(names).toEqual(['Accept', 'Accept-Language', 'Range', 'User-Agent'])
  })

  test('at home they stay', () => {
    expect(go(302, '/next', { written })?.written).toEqual(written)
  })

  test('they do not come back when the way leads back home', () => {
    const abroad = go(302, 'https://other.test/', { written })
    const back = abroad === undefined ? undefined : nextHop(abroad, 302, { location: home })
    expect(back?.written.map(([name]) => name)).not.toContain('Authorization')
  })

  test('a script does not go from https to http', () => {
    expect(() => go(302, 'http://shop.test/', { kind: 'fetch', initiator: 'https://shop.test' })).toThrow(
      RedirectRefusedError,
    )
  })

  test('a body does not go from https to http', () => {
    const post = { method: 'POST', body: 'bytes' } as const
    expect(() => go(307, 'http://shop.test/', post)).toThrow(RedirectRefusedError)
    expect(go(302, 'http://shop.test/', post)?.body).toBe('none')
  })

  test.each(['application/json', 'application/xml', 'text/html'])('a %s body does not go abroad', (type) => {
    const post = { method: 'POST', body: 'bytes', written: [['Content-Type', type]] } as const
    expect(() => go(308, 'https://other.test/', post)).toThrow(RedirectRefusedError)
    expect(go(308, '/next', post)?.body).toBe('bytes')
  })

  test.each([
    'application/x-www-form-urlencoded',
    'text/plain;charset=UTF-8',
    'multipart/form-data; boundary=x',
  ])('a form body of type %s goes abroad with 307, as in a browser', (type) => {
    const post = { method: 'POST', body: 'bytes', written: [['content-type', type]] } as const
    expect(go(307, 'https://other.test/', post)).toMatchObject({ method: 'POST', body: 'bytes' })
  })

  test.each(['PUT', 'PATCH', 'DELETE'])('a %s does not go abroad', (method) => {
    expect(() => go(307, 'https://other.test/', { method, body: 'bytes' })).toThrow(RedirectRefusedError)
  })

  test('over random ways no header outside the list and no value of one ever reaches another origin', () => {
    const places = [
      'https://shop.test',
      'https://api.shop.test',
      'https://other.test',
      'http://shop.test',
      'https://shop.test:444',
    ]
    const allowed = new Set(['accept', 'user-agent'])
    let crossings = 0
    let atHome = 0
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...places), fc.constantFrom(301, 302, 303, 307, 308)), {
          maxLength: 6,
        }),
        fc.constantFrom('GET', 'POST', 'PUT'),
        fc.string({ unit: fc.constantFrom('a', 'B', '-', 'x'), minLength: 1, maxLength: 8 }),
        (way, method, suffix) => {
          const headers = [
            ['Accept', 'a'],
            ['User-Agent', 'b'],
            [`X-${suffix}`, 'canary'],
            ['AUTHORIZATION', 'canary'],
          ] as const
          let at: Hop | undefined = hop({
            method,
            written: headers,
            body: method === 'GET' ? 'none' : 'bytes',
          })
          let left = false
          for (const [origin, status] of way) {
            try {
              at = nextHop(at, status, { location: `${origin}/p` })
            } catch (error) {
              expect(error).toBeInstanceOf(RedirectRefusedError)
              return
            }
            if (at === undefined) return
            left ||= at.url.origin !== 'https://shop.test'
            if (left) crossings++
            else atHome++
            const foreign = at.written.filter(([name]) => !allowed.has(name.toLowerCase()))
            if (left) expect(foreign).toEqual([])
            else expect(foreign).toHaveLength(2) // control: the headers are really there before
          }
        },
      ),
      { numRuns: 500 },
    )
    expect(crossings).toBeGreaterThan(100)
    expect(atHome).toBeGreaterThan(10)
  })
})

describe('the Referer of a hop', () => {
  const from = { referrer: 'https://shop.test/page?secret=1#part' }
  test.each([
    ['https://shop.test/x', 'https://shop.test/page?secret=1'],
    ['https://api.shop.test/x', 'https://shop.test/'],
    ['https://shop.test:444/x', 'https://shop.test/'],
    ['http://shop.test/x', undefined],
    ['http://other.test/x', undefined],
  ])('on the way to %s it is %s', (url, referer) => {
    expect(refererOf(hop({ ...from, url: new URL(url) }))).toBe(referer)
  })

  test.each([
    ['no-referrer', undefined, undefined],
    ['same-origin', 'https://shop.test/page?secret=1', undefined],
    ['origin', 'https://shop.test/', 'https://shop.test/'],
    ['strict-origin', 'https://shop.test/', 'https://shop.test/'],
    ['unsafe-url', 'https://shop.test/page?secret=1', 'https://shop.test/'],
    ['nonsense', 'https://shop.test/page?secret=1', 'https://shop.test/'],
    ['unsafe-url, no-referrer, nonsense', undefined, undefined],
  ])('a redirect with policy %s sends %s at home and %s abroad', (policy, atHome, abroad) => {
    const headers = { 'referrer-policy': policy }
    const here = nextHop(hop(from), 302, { ...headers, location: '/x' })
    const there = nextHop(hop(from), 302, { ...headers, location: 'https://other.test/x' })
    expect(here && refererOf(here)).toBe(atHome)
    expect(there && refererOf(there)).toBe(abroad)
  })
})

test('a foreign origin that sends on to a third one makes the Origin null', () => {
  const first = go(302, 'https://api.test/', { kind: 'fetch', initiator: 'https://shop.test' })
  expect(first?.tainted).toBe(false)
  const second = first && nextHop(first, 302, { location: 'https://third.test/' })
  expect(second?.tainted).toBe(true)
})
