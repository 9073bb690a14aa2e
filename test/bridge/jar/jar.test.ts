import { Cookie, CookieJar, MemoryCookieStore } from 'tough-cookie'
import { describe, expect, test } from 'vitest'
import { cookieHeader } from '../../../src/bridge/jar/cookie-header.ts'
import { fromCookieJar, toCookieJar } from '../../../src/bridge/jar/jar.ts'
import { Cell } from '../../../src/state/cell.ts'
import type { ReportItem } from '../../../src/state/report.ts'
import type { StateCookie } from '../../../src/state/state.ts'

const url = 'https://www.shop.test/a/b'

const cookie = (change: Partial<StateCookie> = {}): StateCookie => ({
  name: 'sid',
  value: '1',
  domain: 'www.shop.test',
  path: '/',
  expires: -1,
  httpOnly: true,
  secure: true,
  ...change,
})

describe('the jar is a window on the cell:', () => {
  test('what is set through it is in the cell, what the cell takes comes out of it', async () => {
    const cell = new Cell()
    const jar = toCookieJar(cell, { by: 'http' })
    const heard: string[] = []
    cell.subscribe(({ by }) => heard.push(by))
    await jar.setCookie('sid=1; Path=/; HttpOnly', url)
    jar.setCookieSync('b=2; Domain=shop.test; Path=/a', url)
    expect(cell.state.cookies.map(({ name, domain }) => [name, domain])).toEqual([
      ['sid', 'www.shop.test'],
      ['b', '.shop.test'],
    ])
    cell.setCookie(cookie({ name: 'c', value: '3' }), 'page')
    expect(await jar.getCookieString(url)).toBe('b=2; sid=1; c=3')
    expect(jar.getCookieStringSync(new URL(url))).toBe(cookieHeader(cell, new URL(url)))
    await jar.removeAllCookies()
    expect(cell.state.cookies).toEqual([])
    expect(heard).toEqual(['http', 'http', 'page', 'http'])
  })

  test('a state gets a cell of its own and is not changed', () => {
    const state = { cookies: [cookie()], origins: [] }
    const jar = toCookieJar(state)
    jar.setCookieSync('sid=2; Path=/; Secure', url)
    expect(jar.getCookieStringSync(url)).toBe('sid=2')
    expect(state.cookies).toEqual([cookie()])
  })

  test('all forms of calling it answer: promises, callbacks, synchronous', async () => {
    const jar = toCookieJar({ cookies: [cookie()], origins: [] })
    const byCallback = await new Promise((done) => {
      jar.getCookieString(url, (_error, header) => {
        done(header)
      })
    })
    const withOptions = await new Promise((done) => {
      jar.getCookies(url, { http: false }, (_error, list) => {
        done(list)
      })
    })
    const set = await new Promise<Cookie | undefined>((done) => {
      jar.setCookie('x=1', url, { http: true }, (_error, made) => {
        done(made)
      })
    })
    expect([byCallback, withOptions]).toEqual(['sid=1', []])
    expect([set?.key, set?.domain, set?.hostOnly, set?.path]).toEqual(['x', 'www.shop.test', true, '/a'])
    expect((await jar.getCookies(url)).map(({ key }) => key)).toEqual(['x', 'sid'])
    expect(await jar.getSetCookieStrings(url)).toEqual(
      [
        'x=1; Domain=www.shop.test; Path=/a; HostOnly',
        'sid=1; Domain=www.shop.test; Path=/; Secure; HttpOnly; HostOnly',
      ].map((line) => line.replace('; HostOnly', '').replace('Domain=www.shop.test; ', '')),
    )
    await expect(jar.getCookieString('not a url')).rejects.toThrow(TypeError)
    await expect(jar.setCookie('x=1', 'not a url')).rejects.toThrow(TypeError)
  })

  test('it takes a response as it comes: what Chromium refuses is reported and thrown by nobody', async () => {
    const report: ReportItem[] = []
    const jar = toCookieJar(new Cell(), { report: (item) => report.push(item) })
    for (const line of ['__Host-a=1', 'a=1; Domain=other.test', 'a=1; SameSite=None', '', 'a=\u0001'])
      expect(await jar.setCookie(line, url)).toBeUndefined()
    expect(report.map(({ reason }) => reason)).toEqual([
      'bad-prefix',
      'refused',
      'insecure-none',
      'malformed',
      'malformed',
    ])
    expect(await jar.getCookieString(url)).toBe('')
  })

  test('host-only and domain cookies of one name are two, in it and in what it serialises', () => {
    const jar = toCookieJar(new Cell())
    jar.setCookieSync('a=host; Path=/', url)
    jar.setCookieSync('a=domain; Path=/; Domain=www.shop.test', url)
    expect(jar.getCookieStringSync(url)).toBe('a=host; a=domain')
    expect(jar.serializeSync()?.cookies).toHaveLength(2)
    expect(jar.cloneSync()?.getCookieStringSync(url)).toBe('a=host; a=domain')
  })

  test('SameSite is judged by the context that the caller gives', () => {
    const sites = (['Strict', 'Lax', 'None'] as const).map((sameSite) => cookie({ name: sameSite, sameSite }))
    const jar = toCookieJar({ cookies: [...sites, cookie({ name: 'unset' })], origins: [] })
    const header = (sameSiteContext?: 'strict' | 'lax' | 'none'): string =>
      jar.getCookieStringSync(url, { sameSiteContext })
    expect(header()).toBe('Strict=1; Lax=1; None=1; unset=1')
    expect(header('strict')).toBe('Strict=1; Lax=1; None=1; unset=1')
    expect(header('lax')).toBe('Lax=1; None=1; unset=1')
    expect(header('none')).toBe('None=1')
  })

  test('a cookie object of tough-cookie is filed under its own domain', () => {
    const cell = new Cell()
    const made = Cookie.parse('sid=1; Domain=shop.test; Path=/; Secure; SameSite=Lax')
    if (made === undefined) throw new Error('tough-cookie does not parse')
    toCookieJar(cell).setCookieSync(made, url)
    expect(cell.state.cookies).toMatchObject([
      { name: 'sid', domain: '.shop.test', secure: true, sameSite: 'Lax' },
    ])
  })
})

describe('a jar of somebody else', () => {
  test('gives its cookies in order of creation, and says what it could not express', () => {
    const jar = new CookieJar(new MemoryCookieStore(), { looseMode: true })
    jar.setCookieSync('host=1; Path=/; Secure; HttpOnly; SameSite=Strict', url)
    jar.setCookieSync('domain=\xc3\xbc; Domain=shop.test; Max-Age=3600', url)
    jar.setCookieSync('chips=1; Path=/; Secure; Partitioned', url)
    jar.setCookieSync('six=1; Path=/', 'http://[::1]:80/')
    const before = Date.now() / 1000
    const { state, report } = fromCookieJar(jar)
    expect(state.cookies).toMatchObject([
      {
        name: 'host',
        domain: 'www.shop.test',
        secure: true,
        httpOnly: true,
        sameSite: 'Strict',
        expires: -1,
      },
      { name: 'domain', value: 'ü', domain: '.shop.test', path: '/a' },
      { name: 'chips', partitionKey: 'https://shop.test', _crHasCrossSiteAncestor: false },
      { name: 'six', domain: '[::1]' },
    ])
    expect(Math.abs((state.cookies[1]?.expires ?? 0) - before - 3600)).toBeLessThan(60)
    expect(report.map(({ name, reason }) => [name, reason])).toEqual([['chips', 'unsupported']])
  })

  test('of ours gives the whole state back, storage included', () => {
    const state = { cookies: [cookie()], origins: [{ origin: 'https://shop.test', localStorage: [] }] }
    expect(fromCookieJar(toCookieJar(state))).toEqual({ state, report: [] })
  })

  test('takes cookies of ours through its own door and gives them back the same', () => {
    const cookies = [
      cookie(),
      cookie({ name: 'b', domain: '.shop.test', path: '/a', sameSite: 'Lax' }),
      cookie({ name: 'u', value: 'ü' }),
    ]
    const ours = toCookieJar({ cookies, origins: [] })
    const theirs = CookieJar.deserializeSync(JSON.parse(JSON.stringify(ours.serializeSync())) as string)
    expect(fromCookieJar(theirs)).toEqual({ state: { cookies, origins: [] }, report: [] })
  })
})
