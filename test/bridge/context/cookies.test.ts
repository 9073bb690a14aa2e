import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { BrowserContext } from 'playwright'
import { describe, expect, test } from 'vitest'
import { readCookies, writeCookies } from '../../../src/bridge/context/cookies.ts'
import { TimedOutError } from '../../../src/errors.ts'
import type { StateCookie } from '../../../src/state/state.ts'
import { worldCookies } from '../../laws/cookie-world.ts'
import { chromiumPath } from '../../site/chromium.ts'
import { useStage } from './stage.ts'

const stage = useStage()

const cookie = (change: Partial<StateCookie> = {}): StateCookie => ({
  name: 'sid',
  value: '1',
  domain: 'shop.test',
  path: '/',
  expires: -1,
  httpOnly: true,
  secure: true,
  sourceScheme: 'Secure',
  sourcePort: 443,
  priority: 'Medium',
  ...change,
})

const lastingUntil = Math.floor(Date.now() / 1000) + 86_400

describe('cookies go into a context and come out of it', () => {
  test('with every field, also those that Playwright does not show', async () => {
    const cookies = [
      cookie({ name: 'longest', path: '/account/orders' }),
      cookie({ name: 'unset' }),
      cookie({ name: 'lax', sameSite: 'Lax' }),
      cookie({ name: 'strict', sameSite: 'Strict', httpOnly: false }),
      cookie({ name: 'none', sameSite: 'None' }),
      cookie({ name: 'fraction', expires: lastingUntil + 0.123456 }),
      cookie({ name: 'twin', value: 'host-only' }),
      cookie({ name: 'twin', value: 'domain', domain: '.shop.test' }),
      cookie({ name: '', value: 'without name' }),
      cookie({ name: 'plain', secure: false, sourceScheme: 'NonSecure', sourcePort: 8080 }),
      cookie({ name: 'unknown', secure: false, sourceScheme: 'Unset', sourcePort: -1 }),
      cookie({ name: 'chips', partitionKey: 'https://top.test', _crHasCrossSiteAncestor: true }),
      cookie({ name: 'chips', partitionKey: 'https://shop.test', _crHasCrossSiteAncestor: false }),
      cookie({ name: '__Host-a', domain: 'id.test' }),
      cookie({ domain: 'keycloak' }),
      cookie({ domain: 'github.io' }),
      cookie({ domain: '127.0.0.1', secure: false, sourceScheme: 'NonSecure', sourcePort: 80 }),
      cookie({ domain: '[::1]' }),
      cookie({ name: 'ü', value: '日本 "😀"=' }),
    ]
    await stage.inContext(async (context) => {
      expect(await writeCookies(context, cookies)).toEqual([])
      expect(await readCookies(context)).toEqual({ cookies, report: [] })
    })
  })

  test('in any number and mixture, in their order', async () => {
    await stage.inContext(async (context) => {
      let compared = 0
      for (const cookies of fc.sample(worldCookies, { numRuns: 12, seed: 7 })) {
        expect(await writeCookies(context, cookies, { replace: true })).toEqual([])
        const { cookies: read } = await readCookies(context)
        const expected = [...cookies].sort((a, b) => b.path.length - a.path.length)
        expect(read.map((kept, at) => ({ ...kept, ...expected[at] }))).toEqual(read)
        expect(read).toHaveLength(cookies.length)
        compared += read.length
      }
      expect(compared).toBeGreaterThan(400)
    })
  })

  test('without opening a page or leaving anything behind, each context for itself', async () => {
    await stage.inContext(async (one) => {
      await stage.inContext(async (two) => {
        const pages: unknown[] = []
        for (const context of [one, two]) context.on('page', (page) => pages.push(page))
        await writeCookies(one, [cookie({ name: 'one' })])
        await writeCookies(two, [cookie({ name: 'two' })])
        const [first, second] = await Promise.all([readCookies(one), readCookies(two)])
        expect([first, second].map(({ cookies }) => cookies.map(({ name }) => name))).toEqual([
          ['one'],
          ['two'],
        ])
        expect((await one.cookies()).map(({ name }) => name)).toEqual(['one'])
        expect(pages).toEqual([])
      })
    })
  })

  test('of a persistent context too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sessionbridge-profile-'))
    const { chromium } = await import('playwright')
    const context: BrowserContext = await chromium.launchPersistentContext(folder, {
      executablePath: await chromiumPath(),
      chromiumSandbox: false,
    })
    try {
      expect(await writeCookies(context, [cookie()])).toEqual([])
      expect((await readCookies(context)).cookies).toEqual([cookie()])
    } finally {
      await context.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('a cookie that the browser does not take as it is', () => {
  test.each<[string, Partial<StateCookie>, string]>([
    ['has a control character', { name: 'bad', value: 'a\u0001' }, 'malformed'],
    ['has a separator in its value', { name: 'bad', value: 'a;b' }, 'malformed'],
    ['breaks its prefix', { name: '__Host-bad', domain: '.shop.test' }, 'bad-prefix'],
    ['is SameSite=None without Secure', { name: 'bad', sameSite: 'None', secure: false }, 'insecure-none'],
    ['is over', { name: 'bad', expires: 1 }, 'expired'],
    ['is for a whole public suffix', { name: 'bad', domain: '.github.io' }, 'public-suffix'],
    ['is too big', { name: 'bad', value: 'x'.repeat(4096) }, 'too-big'],
    ['has a path that the protocol rewrites', { name: 'bad', path: '/a b' }, 'unsupported'],
    ['holds octets that are not UTF-8', { name: 'bad', value: 'a\udce9' }, 'unsupported'],
    ['is of a partition that is no site', { name: 'bad', partitionKey: 'data:x' }, 'refused'],
    ['lives longer than 400 days', { name: 'bad', expires: lastingUntil + 500 * 86_400 }, 'unsupported'],
  ])('is reported when it %s, and the others arrive', async (_what, change, reason) => {
    const bad = cookie(change)
    const others = [cookie({ name: 'before' }), cookie({ name: 'after' })]
    await stage.inContext(async (context) => {
      const report = await writeCookies(context, [cookie({ name: 'before' }), bad, cookie({ name: 'after' })])
      expect(report).toMatchObject([{ kind: 'cookie', name: bad.name, where: bad.domain + bad.path, reason }])
      const { cookies } = await readCookies(context)
      expect(cookies.filter(({ name }) => name !== bad.name)).toEqual(others)
    })
  })

  test('is found among five hundred, and costs the others nothing', async () => {
    const many = Array.from({ length: 500 }, (_, at) =>
      cookie({ name: `c${String(at)}`, domain: `h${String(at % 10)}.test` }),
    )
    const bad = ['data:a', 'data:b', 'data:c'].map((partitionKey, at) =>
      cookie({ name: `bad${String(at)}`, partitionKey }),
    )
    const mixed = [
      ...many.slice(0, 100),
      bad[0] ?? cookie(),
      ...many.slice(100, 250),
      ...bad.slice(1),
      ...many.slice(250),
    ]
    await stage.inContext(async (context) => {
      const report = await writeCookies(context, mixed)
      expect(report.map(({ name, reason }) => [name, reason])).toEqual(
        bad.map(({ name }) => [name, 'refused']),
      )
      expect((await readCookies(context)).cookies).toEqual(many)
    })
  })
})

test('more cookies of one site than Chromium keeps are reported as too many', async () => {
  const many = Array.from({ length: 200 }, (_, at) => cookie({ name: `c${String(at)}` }))
  await stage.inContext(async (context) => {
    const report = await writeCookies(context, many)
    const { cookies } = await readCookies(context)
    expect(cookies.length).toBeLessThanOrEqual(180)
    expect(report.map(({ reason }) => reason)).toEqual(
      Array.from({ length: 200 - cookies.length }, () => 'too-many'),
    )
  })
})

test('replacing empties the context first; adding leaves what is there', async () => {
  await stage.inContext(async (context) => {
    await writeCookies(context, [cookie({ name: 'old' })])
    await writeCookies(context, [cookie({ name: 'added' })])
    const names = async (): Promise<string[]> => (await readCookies(context)).cookies.map(({ name }) => name)
    expect(await names()).toEqual(['old', 'added'])
    await writeCookies(context, [cookie({ name: 'new' })], { replace: true })
    expect(await names()).toEqual(['new'])
  })
})

test('a closed context is an error, not an empty one', async () => {
  const context = await stage.inContext((open) => Promise.resolve(open))
  await expect(readCookies(context)).rejects.toThrow(Error)
  await expect(writeCookies(context, [cookie()])).rejects.toThrow(Error)
})

describe('reading and writing cookies', () => {
  test('ends with the reason of its signal', async () => {
    await stage.inContext(async (context) => {
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await expect(readCookies(context, { signal })).rejects.toBe(reason)
      await expect(writeCookies(context, [cookie()], { signal })).rejects.toBe(reason)
      const controller = new AbortController()
      const written = writeCookies(context, [cookie()], { signal: controller.signal })
      controller.abort(reason)
      await expect(written).rejects.toBe(reason)
      expect((await readCookies(context, { signal: new AbortController().signal })).report).toEqual([])
    })
  })

  test('ends at its deadline when the browser does not answer', async () => {
    await stage.inContext(async (context) => {
      await readCookies(context)
      const session = await stage.browser.newBrowserCDPSession()
      const { processInfo } = await session.send('SystemInfo.getProcessInfo')
      const pid = processInfo.find(({ type }) => type === 'browser')?.id ?? NaN
      process.kill(pid, 'SIGSTOP')
      try {
        const [read, written] = await Promise.allSettled([
          readCookies(context, { timeout: 200 }),
          writeCookies(context, [cookie()], { timeout: 200 }),
        ])
        expect(read).toMatchObject({ reason: expect.any(TimedOutError) as unknown })
        expect(written).toMatchObject({ reason: expect.any(TimedOutError) as unknown })
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      expect((await readCookies(context)).report).toEqual([])
    })
  })

  test('says of what a partition could not hold that it was too many', async () => {
    const chips = { partitionKey: 'https://top.test', _crHasCrossSiteAncestor: true } as const
    const cookies = Array.from({ length: 50 }, (_, n) =>
      cookie({ name: `p${String(n)}`, value: 'x'.repeat(300), ...chips }),
    )
    await stage.inContext(async (context) => {
      const report = await writeCookies(context, cookies)
      expect(report).toHaveLength(17)
      expect(new Set(report.map(({ reason }) => reason))).toEqual(new Set(['too-many']))
    })
  })
})
