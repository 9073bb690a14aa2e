import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rulesByConvention, type ByConvention } from '../../src/login/learn/conventions.ts'
import type { HeaderRule } from '../../src/state/header-rule.ts'
import { json, type RulesApp } from '../site/rules-app.ts'
import { rulesStage, type RulesStage } from '../site/rules-stage.ts'
import { cookie, cookieRule, seen, stateOf } from './observed.ts'

const url = 'https://shop.test/home?welcome=1'
const token = 'canary-token-0123'

function inPage(
  html: string,
  learned: readonly HeaderRule[] = [],
  cookies = [cookie('sid', 'x')],
): ByConvention {
  const page = seen(
    'GET',
    url,
    {},
    { resourceType: 'document', topLevel: true, answer: { headers: [], text: html } },
  )
  return rulesByConvention([page], stateOf(cookies), learned)
}

const names = ({ rules }: ByConvention): string[] =>
  rules.map(({ header, in: place }) => (place === undefined ? header : `${place} ${header}`))

const hidden = (name: string, value = token): string =>
  `<input type="hidden" name="${name}" value="${value}">`

describe('what a page would send against forgery', () => {
  test.each([
    [
      'Django',
      `<form method="POST" action="">${hidden('csrfmiddlewaretoken')}</form>`,
      ['form csrfmiddlewaretoken'],
    ],
    [
      'ASP.NET',
      `<form method=post action=/buy>${hidden('__RequestVerificationToken')}`,
      ['form __RequestVerificationToken'],
    ],
    ['a form of another site', `<form method=post action=https://other.test/>${hidden('_csrf')}</form>`, []],
    ['a form that asks', `<form>${hidden('_csrf')}</form>`, []],
    ['a login form', `<form method=post>${hidden('_csrf')}<input type=password name=p></form>`, []],
    ['a field outside of forms', hidden('_csrf'), []],
    ['a nonce for one action', `<form method=post>${hidden('_wpnonce')}</form>`, []],
    ['what people fill in', `<form method=post><input name="_csrf" value="${token}"></form>`, []],
    ['a short value', `<form method=post>${hidden('_csrf', '1')}</form>`, []],
    [
      'Laravel',
      `<meta name=csrf-token content=${token}><form method=post>${hidden('_token')}`,
      ['X-CSRF-Token', 'form _token'],
    ],
  ])('%s', (_, html, expected) => {
    expect(names(inPage(html))).toEqual(expected)
  })

  test('Rails has one value for all forms, in the head, and it is kept', () => {
    const head = `<meta name="csrf-param" content="authenticity_token"><meta name="csrf-token" content="${token}">`
    const found = inPage(
      `${head}<form method=post>${hidden('authenticity_token', 'of-this-form-alone')}</form>`,
    )
    const at = { in: 'meta', name: 'csrf-token' }
    expect(found.rules).toEqual([
      {
        ...{ header: 'X-CSRF-Token', origins: ['https://shop.test'], methods: 'unsafe', prefix: '' },
        source: { from: 'page', url: 'https://shop.test/home', at, kept: 'x-csrf-token https://shop.test' },
      },
      {
        ...{
          header: 'authenticity_token',
          in: 'form',
          origins: ['https://shop.test'],
          methods: 'unsafe',
          prefix: '',
        },
        source: {
          from: 'page',
          url: 'https://shop.test/home',
          at,
          kept: 'field authenticity_token https://shop.test',
        },
      },
    ])
    expect([...found.kept.values()]).toEqual([token, token])
  })

  test.each([
    ['csrftoken', {}, ['X-CSRFToken']],
    ['XSRF-TOKEN', {}, ['X-XSRF-TOKEN']],
    ['_xsrf', { domain: '.shop.test' }, ['X-XSRFToken']],
    ['csrftoken', { httpOnly: true }, []], // no script could read it
    ['csrftoken', { domain: 'other.test' }, []],
    ['csrf', {}, []],
  ])('a cookie %s %j: %j', (name, facts, expected) => {
    expect(names(inPage('', [], [cookie(name, token, facts)]))).toEqual(expected)
  })

  test('nothing is added where something of the kind was seen on the wire', () => {
    const learned = (header: string, place?: 'body'): HeaderRule => ({
      ...cookieRule,
      ...{ header, origins: ['https://shop.test'] },
      ...(place !== undefined && { in: place }),
    })
    const html = `<meta name=csrf-token content=${token}><form method=post>${hidden('_token')}</form>`
    expect(names(inPage(html, [learned('X-My-CSRF')]))).toEqual(['form _token'])
    expect(names(inPage(html, [learned('_token', 'body')]))).toEqual(['X-CSRF-Token'])
    expect(
      names(inPage(html, [{ ...learned('X-My-CSRF'), origins: ['https://api.shop.test'] }])),
    ).toHaveLength(2)
    const both = [cookie('XSRF-TOKEN', 'a%3D'), cookie('csrftoken', token)]
    expect(names(inPage(html, [], both))).toEqual(['X-CSRFToken', 'form _token']) // one header is enough
  })
})

describe('an application whose pages have sent nothing yet', () => {
  let stage: RulesStage
  let app: RulesApp
  beforeAll(async () => {
    stage = await rulesStage()
    app = stage.app('django.test', {
      html: ({ token }) =>
        `<form method=post action=/api/order>${hidden('csrfmiddlewaretoken', token)}</form>`,
      cookies: ({ token }) => [`csrftoken=${token}; Path=/`],
      takes: ({ method, headers, body }, { token }) =>
        method === 'GET' ||
        headers['x-csrftoken'] === token ||
        body === `item=1&csrfmiddlewaretoken=${token}`,
      refuses: (res) => {
        json(res, 403, { detail: 'CSRF Failed: CSRF token missing or incorrect.' })
      },
    })
  })
  afterAll(() => stage.close())

  test('takes its forms and its JSON from us, and goes on when its token changes', async () => {
    await using session = await stage.vault.open(stage.recipe(app))
    const post = async (): Promise<unknown[]> => [
      await session.http.post(app.url('/api/order'), { form: { item: 1 } }).json(),
      await session.http.post(app.url('/api/note'), { json: { text: 'x' } }).json(),
    ]
    expect(await post()).toEqual([{ for: 'alice' }, { for: 'alice' }])
    expect(app.last('/api/order').body).toBe(`item=1&csrfmiddlewaretoken=${app.token}`)
    expect(app.last('/api/note').body).toBe('{"text":"x"}') // JSON stays as it was written
    app.rotate()
    await session.http(app.url('/app')) // brings the new cookie and the new form
    expect(await post()).toEqual([{ for: 'alice' }, { for: 'alice' }])
    expect(session.epoch).toBe(1)
  })

  test('its tokens stay at home, and reads go without', async () => {
    await using session = await stage.vault.open(stage.recipe(app))
    await session.http(app.url('/api/read')).json()
    expect(app.last('/api/read').headers['x-csrftoken']).toBeUndefined()
    const echo = stage.shop.url('django.other.test', '/echo')
    const abroad = await session.http.post(echo, { form: { item: 1 } }).text()
    expect(abroad).not.toContain(app.token)
    expect(abroad.toLowerCase()).not.toContain('csrf')
  })
})
