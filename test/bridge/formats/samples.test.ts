import { CookieJar } from 'tough-cookie'
import { describe, expect, test } from 'vitest'
import { detectFormat, formatState, listFormats } from '../../../src/bridge/formats/format-state.ts'
import { parseState } from '../../../src/bridge/parse-state.ts'
import type { StateCookie } from '../../../src/state/state.ts'
import { samples } from './samples.ts'

const names = listFormats().map(({ name }) => name)
const url = 'https://shop.test/a'

function cookiesOf(text: string): Record<string, StateCookie> {
  return Object.fromEntries(parseState(text, { url }).state.cookies.map((cookie) => [cookie.name, cookie]))
}

describe('what other tools write', () => {
  test.each(names)('is recognised: %s', (name) => {
    expect(detectFormat(samples[name])).toBe(name)
    expect(detectFormat(`\ufeff${samples[name].replaceAll('\n', '\r\n')}`)).toBe(name)
  })

  test.each(names)('is read with the same two cookies in it: %s', (name) => {
    const { sid, csrf } = cookiesOf(samples[name])
    expect(sid).toMatchObject({ value: 's3cret', domain: 'shop.test', path: '/', secure: true })
    expect(csrf).toMatchObject({ value: 'tok', path: '/' })
    expect(parseState(samples[name], { from: name, url })).toEqual(parseState(samples[name], { url }))
  })

  test('says of a cookie whatever the format can say', () => {
    const flags = { httpOnly: true, expires: -1 }
    expect(cookiesOf(samples.netscape)).toMatchObject({
      sid: flags,
      csrf: { domain: '.shop.test', expires: 1_900_000_000, httpOnly: false },
    })
    const editor = cookiesOf(samples['cookie-editor'])
    expect(editor).toMatchObject({
      sid: { ...flags, sameSite: 'None' },
      csrf: { domain: '.shop.test', expires: 1_900_000_000.5 },
    })
    expect(editor.csrf).not.toHaveProperty('sameSite')
    expect(editor.csrf).not.toHaveProperty('id')
    const partition = { partitionKey: 'https://shop.test', _crHasCrossSiteAncestor: false }
    expect(cookiesOf(samples.puppeteer).sid).toMatchObject({ ...flags, ...partition, sourceScheme: 'Secure' })
    expect(cookiesOf(samples.cdp).sid).toMatchObject({ ...flags, ...partition, sourcePort: 443 })
    expect(cookiesOf(samples.selenium)).toMatchObject({
      sid: flags,
      csrf: { expires: 1_900_000_000, sameSite: 'None' },
    })
    expect(cookiesOf(samples['tough-cookie'])).toMatchObject({
      sid: { ...flags, sameSite: 'Lax' },
      csrf: { domain: '.shop.test', expires: 1_900_000_000.5 },
    })
  })

  test('replays an archive: what was deleted is gone, what scripts changed is as it was sent', () => {
    const { sid, csrf, js, gone } = cookiesOf(samples.har)
    expect(gone).toBeUndefined()
    expect(sid).toMatchObject({ httpOnly: true, expires: -1 })
    expect(csrf).toMatchObject({ domain: '.shop.test', expires: Date.parse('2026-11-02T10:00:00Z') / 1000 })
    expect(js).toMatchObject({ domain: 'shop.test', value: '1' })
  })

  test('takes lists of bare cookies, of Playwright, and in boxes', () => {
    const bare = { name: 'sid', value: 'x', domain: 'shop.test' }
    expect(parseState([bare]).state.cookies).toHaveLength(1)
    expect(parseState([{ ...bare, path: '/', expires: -1, sameSite: 'Lax' }]).state.cookies).toHaveLength(1)
    expect(parseState([]).state.cookies).toEqual([])
    const boxed = { url: 'https://shop.test', cookies: [{ ...bare, hostOnly: false, expirationDate: 1.9e9 }] }
    expect(parseState(boxed).state.cookies).toMatchObject([{ domain: '.shop.test', expires: 1.9e9 }])
  })

  test('reads commands as shells and developer tools write them', () => {
    const read = (text: string): string[] =>
      parseState(text).state.cookies.map(({ name, value, domain }) => `${domain} ${name}=${value}`)
    expect(read(String.raw`$ curl -sSb "a=1; b=\"2\"" shop.test`)).toEqual([
      'shop.test a=1',
      'shop.test b="2"',
    ])
    expect(read(String.raw`curl --cookie=a=1 --url https://shop.test/ -o out.html`)).toEqual([
      'shop.test a=1',
    ])
    expect(read(String.raw`curl -H $'Cookie: a=it\'s \u0041; b=2' https://shop.test/ && rm x`)).toEqual([
      "shop.test a=it's A",
      'shop.test b=2',
    ])
    const cmd = 'curl ^"https://shop.test/?a=1^&b=2^" ^\r\n  -H ^"Cookie: a=^\\^"1^\\^"^" ^\r\n  --compressed'
    expect(read(cmd)).toEqual(['shop.test a="1"'])
    expect(read(`/usr/bin/wget --header 'X: y' --header 'cookie: a=1' -q http://id.test/`)).toEqual([
      'id.test a=1',
    ])
  })

  test('says which credentials of a command are no cookies, and which file it names', () => {
    const { state, report } = parseState(
      `curl -u alice:hunter2 -b jar.txt -H 'Authorization: Bearer hunter2' -H 'Cookie: a=1' https://shop.test/`,
    )
    expect(state.cookies).toHaveLength(1)
    expect(report.map(({ rule }) => rule)).toEqual([
      expect.stringContaining('-u'),
      expect.stringContaining('file of cookies'),
      expect.stringContaining('authorization'),
      expect.stringContaining('names and values only'),
    ])
    expect(JSON.stringify(report)).not.toMatch(/hunter2|alice|jar/)
  })

  test('needs the site of a text that does not say it, and says so', () => {
    expect(() => parseState('a=1; b=2')).toThrow(/give a URL/)
    expect(() => parseState('Cookie: a=1')).toThrow(/give a URL/)
    expect(() => parseState('a=1', { url: 'not a url' })).toThrow(TypeError)
    expect(() => parseState('a=1', { from: 'papyrus' as never })).toThrow(/there is no format/)
    expect(() => formatState({ cookies: [], origins: [] }, { to: 'curl' })).toThrow(TypeError)
    expect(parseState('a=1; b=2', { url: 'shop.test' }).state.cookies).toMatchObject([
      { secure: true },
      { secure: true },
    ])
    expect(parseState('a=1', { url: 'http://shop.test' }).state.cookies).toMatchObject([{ secure: false }])
    expect(() => parseState('sid=1; Path=/; HttpOnly', { url })).toThrow(/no other form/)
  })

  test('writes commands that a shell takes apart again as they were meant', () => {
    const cookie = { domain: 'shop.test', path: '/', expires: -1, httpOnly: true, secure: true }
    const state = {
      cookies: [
        { ...cookie, name: 'a', value: 'it\'s $HOME `x` \\ "y"' },
        { ...cookie, name: '', value: 'bare' },
        { ...cookie, name: 'other', value: 'x', domain: 'id.test' },
      ],
      origins: [],
    }
    const { text, report } = formatState(state, { to: 'curl', url: 'https://shop.test/x?a=b&c=d' })
    expect(text).toBe(
      String.raw`curl -H 'Cookie: a=it'\''s $HOME ` +
        '`x`' +
        String.raw` \ "y"; bare' 'https://shop.test/x?a=b&c=d'` +
        '\n',
    )
    expect(report.at(-1)).toMatchObject({
      name: 'other',
      rule: 'not written: it is not sent to https://shop.test/x',
    })
  })

  test('writes a jar that tough-cookie itself opens, and sends', () => {
    const { state } = parseState(samples['tough-cookie'])
    const jar = CookieJar.deserializeSync(formatState(state, { to: 'tough-cookie' }).text)
    expect(jar.getCookieStringSync('https://shop.test/')).toBe('sid=s3cret; csrf=tok')
    expect(jar.getCookieStringSync('https://api.shop.test/')).toBe('csrf=tok')
    expect(parseState(JSON.stringify(jar.serializeSync())).state).toEqual(state)
  })
})
