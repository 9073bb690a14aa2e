import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blockOf } from '../../src/http/trouble/block-signs.ts'
import { Traffic } from '../../src/http/trouble/traffic.ts'
import { BlockedError, type BlockedFacts } from '../../src/http/trouble/traffic-errors.ts'
import { createHttp } from '../../src/http/client.ts'
import { createFetch } from '../../src/http/fetch.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { dyingCarrier, failureOf } from './clients.ts'

interface Block {
  readonly by: string
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body: string
}

const html = { 'content-type': 'text/html; charset=UTF-8' }

/** Written after what the vendors send; nothing of it is a page of theirs. */
const blocks: Record<string, Block> = {
  'a Cloudflare challenge': {
    by: 'cloudflare',
    status: 403,
    headers: { 'cf-mitigated': 'challenge', ...html },
    body: '<title>Just a moment...</title>',
  },
  'a Cloudflare challenge without its header': {
    by: 'cloudflare',
    status: 503,
    headers: html,
    body: '<script>window._cf_chl_opt={}</script><form id="challenge-form" class="cf-chl-widget">',
  },
  'a Cloudflare block': {
    by: 'cloudflare',
    status: 403,
    headers: html,
    body: '<title>Attention Required! | Cloudflare</title>',
  },
  'a DataDome captcha': {
    by: 'datadome',
    status: 403,
    headers: { 'x-datadome': 'protected', ...html },
    body: '<script src="https://ct.captcha-delivery.com/c.js"></script>',
  },
  'a DataDome answer to a script': {
    by: 'datadome',
    status: 403,
    headers: { 'content-type': 'application/json' },
    body: '{"url":"https://geo.captcha-delivery.com/captcha/?initialCid=x"}',
  },
  'a PerimeterX page': {
    by: 'perimeterx',
    status: 403,
    headers: html,
    body: '<div id="px-captcha"></div><script>window._pxAppId="x"</script>',
  },
  'an Akamai refusal': {
    by: 'akamai',
    status: 403,
    headers: { server: 'AkamaiGHost', ...html },
    body: '<h1>Access Denied</h1>',
  },
  'an Imperva page': {
    by: 'imperva',
    status: 403,
    headers: html,
    body: 'Request unsuccessful. Incapsula incident ID: 1-2',
  },
  'an AWS challenge': { by: 'aws-waf', status: 405, headers: { 'x-amzn-waf-action': 'captcha' }, body: '' },
  'an hCaptcha': {
    by: 'hcaptcha',
    status: 403,
    headers: html,
    body: '<script src="https://js.hcaptcha.com/1/api.js">',
  },
  'a reCAPTCHA': {
    by: 'recaptcha',
    status: 403,
    headers: html,
    body: '<script src="https://www.google.com/recaptcha/api.js">',
  },
  'a Turnstile': {
    by: 'turnstile',
    status: 403,
    headers: html,
    body: '<script src="https://challenges.cloudflare.com/turnstile/v0/api.js">',
  },
  'a rate limit': { by: 'rate limit', status: 429, body: 'Slow down' },
}

const disguised: Record<string, Block> = {
  'an AWS challenge as 202': {
    by: 'aws-waf',
    status: 202,
    headers: { 'x-amzn-waf-action': 'challenge' },
    body: '',
  },
  'a PerimeterX page as 200': {
    by: 'perimeterx',
    status: 200,
    headers: html,
    body: '<p>Press & hold</p><div id="px-captcha"></div>',
  },
}

const passed: Record<string, Omit<Block, 'by'>> = {
  'a plain 403': { status: 403, headers: html, body: '<h1>Forbidden</h1>' },
  'a contact form with a captcha': {
    status: 200,
    headers: html,
    body: '<script src="https://www.google.com/recaptcha/api.js"></script><div class="g-recaptcha">',
  },
  'a login page with a Turnstile': {
    status: 200,
    headers: html,
    body: '<script src="https://challenges.cloudflare.com/turnstile/v0/api.js">',
  },
  'a page that Imperva watches': {
    status: 200,
    headers: html,
    body: '<script src="/_Incapsula_Resource?x=1">',
  },
  'a server that is down': { status: 503, headers: html, body: '<h1>Maintenance</h1>' },
  'an answer by way of Akamai': { status: 404, headers: { server: 'AkamaiGHost' }, body: '' },
}

const seen = ({ status, headers = {}, body }: Omit<Block, 'by'>) =>
  blockOf({ status, headers, text: body, url: 'https://shop.test/' })

test.each(Object.entries({ ...blocks, ...disguised }))('%s is one', (_what, block) => {
  expect(seen(block)).toBe(block.by)
})

test.each(Object.entries(passed))('%s is none', (_what, block) => {
  expect(seen(block)).toBeUndefined()
})

describe('a session that is kept out', () => {
  let shop: Shop

  beforeAll(async () => {
    shop = await startShop()
    shop.on('*', '/block/*', (req, res) => {
      const block = { ...blocks, ...disguised }[
        decodeURIComponent((req.url ?? '').slice('/block/'.length).replace(/\?.*/, ''))
      ]
      if (block === undefined) throw new Error('no such block')
      res.writeHead(block.status, block.headers).end(block.body)
    })
  })
  afterAll(() => shop.close())

  let host = 0
  /** Each on an origin of its own: a block holds the origin. */
  const at = (kind: string): string =>
    shop.url(`b${String(++host)}.test`, `/block/${encodeURIComponent(kind)}`)

  function session() {
    const told: BlockedFacts[] = []
    const { carrier, facts } = dyingCarrier({
      traffic: new Traffic({ retry: { limit: 0, maxWait: 0 } }),
      blocked: (fact) => {
        told.push(fact)
      },
    })
    const options = { lookup: shop.lookup, ca: shop.ca }
    return { carrier, facts, told, http: createHttp(carrier, options), fetch: createFetch(carrier, options) }
  }

  test.each(Object.keys(blocks))(
    'by %s is told so, is not renewed, and leaves the origin alone',
    async (kind) => {
      const { carrier, facts, told, http, fetch } = session()
      const url = at(kind)
      const begun = Date.now()
      const error = await failureOf(http(`${url}?token=secret`))
      if (!(error instanceof BlockedError)) throw error
      expect(error).toMatchObject({
        session: 'shop/alice',
        statusCode: blocks[kind]?.status,
        by: blocks[kind]?.by,
      })
      expect([error.code, error.tier]).toEqual(['blocked', 'blocked'])
      expect(error.until).toBeGreaterThan(begun)
      expect(`${error.message}${JSON.stringify(error)}`).not.toContain('secret')
      expect(told).toEqual([error])
      expect(facts).toEqual([])
      expect(carrier.cell.epoch).toBe(0)
      await http.close()
      await fetch.close()
    },
  )

  test('requests to a held origin are not sent, and others are', async () => {
    const { told, http, fetch } = session()
    const url = at('a DataDome captcha')
    expect(await failureOf(http(url))).toMatchObject({ code: 'blocked', statusCode: 403 })
    const before = shop.counters.requests
    expect(await failureOf(http(url))).toMatchObject({
      code: 'blocked',
      statusCode: undefined,
      by: 'datadome',
    })
    expect(await failureOf(fetch(url))).toMatchObject({ code: 'blocked', statusCode: undefined })
    expect(shop.counters.requests).toBe(before)
    expect(told).toHaveLength(1)
    expect((await fetch(shop.url('shop.test', '/echo'))).status).toBe(200)
    await http.close()
    await fetch.close()
  })

  test('fetch gives what its status shows for a no, with its body', async () => {
    const { http, fetch, told } = session()
    const answer = await fetch(at('an hCaptcha'))
    expect([answer.status, await answer.text()]).toEqual([403, blocks['an hCaptcha']?.body])
    expect(told).toHaveLength(1)
    await http.close()
    await fetch.close()
  })

  test.each(Object.keys(disguised))('by %s is not given for an answer by any client', async (kind) => {
    const { http, fetch } = session()
    expect(await failureOf(http(at(kind), { throwHttpErrors: false }))).toBeInstanceOf(BlockedError)
    expect(await failureOf(fetch(at(kind)))).toBeInstanceOf(BlockedError)
    await http.close()
    await fetch.close()
  })
})
