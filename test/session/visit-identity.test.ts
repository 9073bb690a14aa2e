import type { Browser, BrowserContextOptions, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  createVault,
  defineRecipe,
  generateKey,
  memoryStore,
  type Identity,
  type Recipe,
  type Session,
  type Store,
} from '../../src/index.ts'
import { type Recorded, type Recorder, recordWire } from '../http/like-chromium/recorder.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { shopRecipe } from './shop-recipe.ts'

/** What scripts and servers get to know of a browser. */
interface Known {
  readonly scripts: object
  readonly wire: Recorded['headers']
}

let shop: Shop
let recorder: Recorder
let browser: Browser
const open: Session[] = []
const key = generateKey()

beforeAll(async () => {
  shop = await startShop()
  recorder = recordWire(shop)
  browser = await launchChromium(shop)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()))
})
afterAll(async () => {
  await browser.close()
  await shop.close()
})

async function lookAt(page: Page): Promise<Known> {
  recorder.take()
  await page.goto(shop.url('shop.test', '/rec/look'))
  const [seen] = recorder.take().requests
  const scripts = await page.evaluate(async () => {
    const { userAgentData } = navigator as unknown as {
      userAgentData: { getHighEntropyValues(names: string[]): Promise<object> }
    }
    const hints = ['architecture', 'bitness', 'fullVersionList', 'model', 'platformVersion', 'uaFullVersion']
    return {
      userAgent: navigator.userAgent,
      hints: await userAgentData.getHighEntropyValues(hints),
      languages: navigator.languages,
      language: navigator.language,
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      spelled: new Date(0).toLocaleDateString(),
      size: [innerWidth, innerHeight],
      dark: matchMedia('(prefers-color-scheme: dark)').matches,
    }
  })
  const wire = seen?.headers.filter(([name]) => name !== 'Cookie') ?? []
  return { scripts, wire }
}

/** Signs in with these context options, and looks at the browser while it does. */
async function loginWith(context: BrowserContextOptions, store: Store): Promise<Known> {
  let known: Known | undefined
  const base = shopRecipe(shop)
  const recipe = defineRecipe({
    ...base,
    context,
    login: async (page, tools) => {
      known = await lookAt(page)
      await page.goto(base.url)
      await base.login?.(page, tools)
    },
  })
  const session = await vaultOf(store, browser).open(recipe)
  await session.close()
  if (known === undefined) throw new Error('It did not sign in')
  return known
}

interface Said {
  readonly code?: string
  readonly differs?: readonly string[]
}

function vaultOf(store: Store, by: Browser, said: Said[] = []): ReturnType<typeof createVault> {
  return createVault({
    ...{ store, key, browser: { browser: by }, secrets: { ...shop.accounts.alice } },
    http: { lookup: shop.lookup, ca: shop.ca },
    logger: {
      debug: () => undefined,
      warn: () => undefined,
      info: (facts) => {
        if ('code' in facts) said.push(facts as Said)
      },
    },
  })
}

async function resumed(store: Store, by = browser, said: Said[] = [], recipe?: Recipe): Promise<Session> {
  const session = await vaultOf(store, by, said).open(recipe ?? shopRecipe(shop), { login: 'never' })
  open.push(session)
  return session
}

const outfit = {
  viewport: { width: 1111, height: 666 },
  colorScheme: 'dark',
  timezoneId: 'Asia/Tokyo',
} as const

describe('the browser of a visit', () => {
  test('is to scripts and servers what the login browser was, though nobody says so again', async () => {
    const store = memoryStore()
    const known = await loginWith(outfit, store)
    expect(known.scripts).toMatchObject({ timeZone: 'Asia/Tokyo', dark: true, size: [1111, 666] }) // it was worth it
    const said: Said[] = []
    const session = await resumed(store, browser, said)
    expect(await session.browse(lookAt)).toEqual(known)
    expect(said).toEqual([])
  })

  test('keeps the languages of the login, though another machine speaks others, and says so once', async () => {
    const store = memoryStore()
    const known = await loginWith({}, store)
    const foreign = await launchChromium(shop, { args: ['--accept-lang=fr-CH'] })
    const plain = await foreign.newPage()
    expect((await lookAt(plain)).scripts).toMatchObject({ language: 'fr-CH' }) // the control
    const said: Said[] = []
    const session = await resumed(store, foreign, said)
    for (let visit = 1; visit <= 2; visit++) {
      const { scripts, wire } = await session.browse(lookAt)
      expect(scripts).toEqual(known.scripts)
      expect(Object.fromEntries(wire)).toEqual(Object.fromEntries(known.wire))
    }
    expect(said).toEqual([expect.objectContaining({ code: 'identity-visit', differs: ['languages'] })])
    await session.close()
    await foreign.close()
  })

  test('of another version says what the login browser said, hints and all, also where a page renews itself', async () => {
    const store = memoryStore()
    await loginWith({}, store)
    const vault = vaultOf(store, browser)
    const found = (await vault.peek('shop/default'))?.snapshot
    if (found?.identity === undefined) throw new Error('No identity')
    const older = (text: string): string =>
      text.replaceAll(/\b156\b/g, '148').replaceAll(/Chromium";v="\d+/g, 'Chromium";v="148')
    const identity = JSON.parse(
      older(JSON.stringify(found.identity)).replaceAll('Chromium\\";v=\\"156', 'Chromium\\";v=\\"148'),
    ) as Identity
    expect(identity).not.toEqual(found.identity)
    await vault.put('shop/default', { ...found, identity })
    const said: Said[] = []
    const recipe = defineRecipe({ ...shopRecipe(shop), revisit: shop.url('shop.test', '/rec/renew') })
    const session = await resumed(store, browser, said, recipe)
    const { scripts, wire } = await session.browse(lookAt)
    expect(JSON.stringify([scripts, wire])).not.toContain('156')
    expect(scripts).toMatchObject({ userAgent: identity.userAgent })
    const hint = (headers: Recorded['headers'] | undefined): string | undefined =>
      headers?.find(([name]) => name === 'sec-ch-ua')?.[1]
    expect(hint(wire)).toBe(identity.navigationHeaders.find(([name]) => name === 'sec-ch-ua')?.[1])
    expect(said).toEqual([expect.objectContaining({ code: 'identity-visit', differs: ['browser'] })])

    recorder.take()
    await session.renew()
    const renewing = recorder.take().requests.find(({ place }) => place.endsWith('/rec/renew'))
    expect(hint(renewing?.headers)).toBe(hint(wire))
  })
})

describe('where requests cannot be like the browser', () => {
  test('it is said once in a session, with a code', async () => {
    const store = memoryStore()
    await loginWith({}, store)
    const said: Said[] = []
    const session = await resumed(store, browser, said)
    for (let times = 0; times < 3; times++) {
      await session.http(shop.url('shop.test', '/rec/a'))
      await (await session.fetch(shop.url('shop.test', '/rec/a'))).text()
    }
    const codes = ['identity-tls', ...(process.versions.zstd === undefined ? ['identity-zstd'] : [])]
    expect(said.map(({ code }) => code)).toEqual(codes)
  })
})
