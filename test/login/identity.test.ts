import { describe, expect, test } from 'vitest'
import { browserEnvironment } from '../../src/login/browser.ts'
import { chooseNavigation, navigationHeaders } from '../../src/login/capture-identity.ts'
import { allowedOrigins } from '../../src/login/allowed-origins.ts'
import { seen } from './observed.ts'

const top = { topLevel: true, resourceType: 'document' }

describe('the navigation that shows the browser', () => {
  test('is the earliest typed one over https', () => {
    const plain = seen('GET', 'http://shop.test/', { 'sec-fetch-site': 'none' }, top)
    const frame = seen('GET', 'https://ads.test/', { 'sec-fetch-site': 'none' }, { resourceType: 'document' })
    const linked = seen('GET', 'https://shop.test/a', { 'sec-fetch-site': 'same-origin' }, top)
    const typed = seen('GET', 'https://shop.test/login', { 'sec-fetch-site': 'none' }, top)
    const later = seen('GET', 'https://shop.test/b', { 'sec-fetch-site': 'none' }, top)
    const posted = seen('POST', 'https://shop.test/c', { 'sec-fetch-site': 'none' }, top)
    expect(chooseNavigation([posted, frame, plain, linked, typed, later])).toBe(typed)
    expect(chooseNavigation([plain, linked])).toBe(linked)
    expect(chooseNavigation([plain])).toBe(plain)
    expect(chooseNavigation([posted, frame])).toBeUndefined()
  })

  test("gives its headers in Chromium's order, without what belongs to the request or the recipe", () => {
    const request = seen('GET', 'https://shop.test/', {
      Accept: 'text/html',
      'Accept-Language': 'de',
      Cookie: 'sid=1',
      Host: 'shop.test',
      Connection: 'keep-alive',
      'User-Agent': 'UA',
      'X-From-Recipe': 'secret',
      Authorization: 'Basic x',
      'sec-ch-ua': '"A"',
    })
    expect(navigationHeaders(request)).toEqual([
      ['sec-ch-ua', '"A"'],
      ['User-Agent', 'UA'],
      ['Accept', 'text/html'],
      ['Accept-Language', 'de'],
    ])
    expect(navigationHeaders(undefined)).toEqual([])
  })
})

describe("the browser's environment", () => {
  test('holds what a browser needs and nothing else', () => {
    const given = {
      ...{
        PATH: '/bin',
        HOME: '/home/a',
        LANG: 'C',
        LC_ALL: 'C',
        XDG_RUNTIME_DIR: '/run',
        DISPLAY: ':0',
        Path: 'C:\\',
      },
      ...{
        SESSIONBRIDGE_KEY: 'k',
        AWS_SECRET_ACCESS_KEY: 'k',
        HTTPS_PROXY: 'http://u:p@x',
        LD_PRELOAD: 'x',
        PATHX: '1',
      },
    }
    expect(Object.keys(browserEnvironment(given))).toEqual([
      ...['PATH', 'HOME', 'LANG', 'LC_ALL', 'XDG_RUNTIME_DIR', 'DISPLAY', 'Path'],
    ])
  })
})

describe('where secrets may be typed', () => {
  const allowed = allowedOrigins({
    url: 'https://login.shop.co.uk/in',
    domains: ['id.test', 'https://exact.test:8443', 'MÜNCHEN.test'],
  })

  test.each([
    ['https://login.shop.co.uk/x', true],
    ['https://shop.co.uk/', true],
    ['https://shop.co.uk:8443/', true],
    ['http://login.shop.co.uk/', false],
    ['https://evil.co.uk/', false],
    ['https://shop.co.uk.evil.test/', false],
    ['https://login.shop.co.uk@evil.test/', false],
    ['https://id.test/', true],
    ['https://a.b.id.test/', true],
    ['https://evil-id.test/', false],
    ['http://id.test/', false],
    ['https://exact.test:8443/x', true],
    ['https://exact.test/', false],
    ['https://sub.exact.test:8443/', false],
    ['https://xn--mnchen-3ya.test/', true],
    ['about:blank', false],
    ['data:text/html,<input>', false],
    ['blob:https://login.shop.co.uk/1', false],
    ['(hung page)', false],
  ])('%s: %s', (url, expected) => {
    expect(allowed.has(url)).toBe(expected)
  })

  test('plain http only where the login itself begins there', () => {
    const local = allowedOrigins({ url: 'http://localhost:3000/login', domains: ['id.test'] })
    expect(local.has('http://localhost:3001/')).toBe(true)
    expect(local.has('http://id.test/')).toBe(true)
    expect(local.has('http://127.0.0.1:3000/')).toBe(false)
  })
})
