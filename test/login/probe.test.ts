import { describe, expect, test } from 'vitest'
import { probeCandidates } from '../../src/login/probe-candidates.ts'
import { judge } from '../../src/login/probe.ts'
import type { HeaderRule } from '../../src/state/identity.ts'
import { seen } from './observed.ts'

const json = { contentType: 'application/json' }

describe('judging the answer to a probe', () => {
  const byStatus = {
    alive: { status: 200, ...json, bodyHash: 'A' },
    dead: { status: 401, ...json, bodyHash: 'D' },
  }
  const byRedirect = { alive: { status: 200, bodyHash: 'A' }, dead: { status: 302, location: '/login' } }
  const byBody = {
    alive: { status: 200, ...json, bodyHash: 'A' },
    dead: { status: 200, ...json, bodyHash: 'D' },
  }
  const html = { contentType: 'text/html' }
  const byMarks = {
    alive: { status: 200, ...html, marks: ['#logout', '.my-signed-in', '/user/logout'] },
    dead: { status: 200, ...html, marks: ['#login', 'type=password'] },
  }
  const changing = { alive: { status: 200, ...json }, dead: byBody.dead }

  test.each([
    [byStatus, { status: 200, ...json, bodyHash: 'B' }, 'alive'],
    [byStatus, { status: 401, ...json, bodyHash: 'E' }, 'dead'],
    [byStatus, { status: 401, contentType: 'text/html' }, 'dead'],
    [byStatus, { status: 403, ...json }, 'unclear'],
    [byStatus, { status: 429, ...json }, 'unclear'],
    [byStatus, { status: 503 }, 'unclear'],
    [byStatus, { status: 302, location: '/maintenance' }, 'unclear'],
    [byStatus, undefined, 'unclear'],
    [byRedirect, { status: 200, bodyHash: 'Z' }, 'alive'],
    [byRedirect, { status: 302, location: '/login' }, 'dead'],
    [byRedirect, { status: 307, location: '/login' }, 'dead'],
    [byRedirect, { status: 302, location: '/terms' }, 'unclear'],
    [byBody, { status: 200, ...json, bodyHash: 'A' }, 'alive'],
    [byBody, { status: 200, ...json, bodyHash: 'D' }, 'dead'],
    [byBody, { status: 200, ...json, bodyHash: 'X' }, 'unclear'],
    [byBody, { status: 200, contentType: 'text/html', bodyHash: 'D' }, 'unclear'],
    [byBody, { status: 401 }, 'dead'],
    [changing, { status: 200, ...json, bodyHash: 'X' }, 'alive'],
    [changing, { status: 200, ...json, bodyHash: 'D' }, 'dead'],
  ] as const)('%j answered %j is %s', (probe, answer, liveness) => {
    expect(judge(probe, answer)).toBe(liveness)
  })

  test.each([
    [['#logout', '.my-signed-in', '/user/logout', '#news'], 'alive'],
    [['#logout', '/user/logout'], 'alive'], // the page was redesigned a little
    [['#login', 'type=password'], 'dead'],
    [['#login', '#logout'], 'dead'],
    [['#logout', '/user/logout', '#login', 'type=password'], 'unclear'], // asks for the password again
    [[], 'unclear'],
  ] as const)('a page that has %j is %s', (marks, liveness) => {
    expect(judge(byMarks, { status: 200, ...html }, new Set(marks))).toBe(liveness)
  })

  test('a page that has nothing for somebody only is told by what it has for nobody', () => {
    const probe = { alive: { ...byMarks.alive, marks: [] }, dead: byMarks.dead }
    expect(judge(probe, { status: 200, ...html }, new Set(['#news']))).toBe('alive')
    expect(judge(probe, { status: 200, ...html }, new Set(['#login']))).toBe('dead')
  })
})

describe('candidates for a probe', () => {
  const home = 'https://shop.test/login'
  const rule: HeaderRule = {
    header: 'Authorization',
    origins: ['https://api.shop.test'],
    methods: 'all',
    prefix: 'Bearer ',
    source: { from: 'localStorage', origin: 'https://shop.test', key: 't', path: [] },
  }
  const signedIn = { cookie: 'sid=1' }
  const list = (requests: Parameters<typeof probeCandidates>[0], since = 0): string[] =>
    probeCandidates(requests, { home, headerRules: [rule], since })

  test('own site, then JSON, then what a rule carries, then documents', () => {
    const page = { resourceType: 'document', contentType: 'text/html' }
    expect(
      list([
        seen('GET', 'https://other.example/api/me', signedIn),
        seen('GET', 'https://shop.test/account', signedIn, page),
        seen('GET', 'https://shop.test/fragment', signedIn, { contentType: 'text/html' }),
        seen('GET', 'https://shop.test/api/list', signedIn),
        seen('GET', 'https://shop.test/api/me', signedIn),
        seen('GET', 'https://api.shop.test/orders', { authorization: 'Bearer x' }),
      ]),
    ).toEqual([
      'https://api.shop.test/orders',
      'https://shop.test/api/me',
      'https://shop.test/api/list',
      'https://shop.test/fragment',
      'https://shop.test/account',
      'https://other.example/api/me',
    ])
  })

  test.each([
    ['POST', 'https://shop.test/api/me', {}],
    ['GET', 'https://shop.test/logout', {}],
    ['GET', 'https://shop.test/api/sign-out', {}],
    ['GET', 'https://shop.test/a?action=logout', {}],
    ['GET', 'https://shop.test/callback?code=1&state=2', {}],
    ['GET', 'https://shop.test/a?access_token=1', {}],
    ['GET', 'https://shop.test/a', { status: 401 }],
    ['GET', 'https://shop.test/a', { status: 302 }],
    ['GET', 'https://shop.test/a.png', { resourceType: 'image' }],
    ['GET', 'data:application/json,{}', {}],
  ])('never %s %s %j', (method, url, facts) => {
    expect(list([seen(method, url, signedIn, facts)])).toEqual([])
  })

  test('never what was asked anonymously or before the secrets were typed', () => {
    const early = seen('GET', 'https://shop.test/early', signedIn)
    expect(list([early, seen('GET', 'https://shop.test/late', {})], early.at + 1)).toEqual([])
  })

  test('without what a script has added against caches, and with what only looks like it', () => {
    const stamps = ['_=1700000000001', '_=1700000000002', 'ts=0.8412', 't=7', 'cb=me']
    const requests = stamps.map((stamp) => seen('GET', `https://shop.test/api/nodes?a=1&${stamp}`, signedIn))
    expect(list(requests)).toEqual(['https://shop.test/api/nodes?a=1', 'https://shop.test/api/nodes?a=1&t=7'])
  })

  test('each URL once, a few in all', () => {
    const requests = Array.from({ length: 50 }, (_, index) =>
      seen('GET', `https://shop.test/api/${String(index % 25)}#${String(index)}`, signedIn),
    )
    expect(list(requests).length).toBe(6)
  })
})
