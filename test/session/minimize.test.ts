import fc from 'fast-check'
import type { IncomingMessage } from 'node:http'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createVault,
  generateKey,
  memoryStore,
  ProbeMissingError,
  SessionDeadError,
  type Probe,
  type Recipe,
  type Session,
  type SessionState,
  type Vault,
} from '../../src/index.ts'
import { smallest } from '../../src/session/smallest.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { passwordRecipe } from '../login/recipes.ts'

let shop: Shop
let browser: Browser

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
})
afterAll(async () => {
  await browser.close()
  await shop.close()
})

function newVault(): Vault {
  return createVault({
    store: memoryStore(),
    key: generateKey(),
    browser: { browser },
    http: { lookup: shop.lookup, ca: shop.ca },
    secrets: { ...shop.accounts.alice },
    policy: { freshFor: Number.POSITIVE_INFINITY },
  })
}

const cookie = (name: string, value = `${name}-value`): SessionState['cookies'][number] => ({
  name,
  value,
  domain: 'shop.test',
  path: '/',
  expires: -1,
  httpOnly: true,
  secure: true,
})

/** A session put into a vault by hand, with a probe whose answers are those of a route that the test wrote. */
async function sessionWith(state: SessionState, probe?: Probe, recipe?: Partial<Recipe>): Promise<Session> {
  const vault = newVault()
  const known = { name: 'made', url: shop.url('shop.test', '/'), ...recipe }
  await vault.put('made/default', { state, ...(probe !== undefined && { probe }) })
  return vault.open(known, { login: 'never' })
}

/** Answers 200 to those who may in, 401 to all others; counts. */
function door(path: string, mayIn: (req: IncomingMessage) => boolean, answer: () => string[] = () => []) {
  const asked = { times: 0, atOnce: 0, most: 0 }
  shop.on('shop.test', path, async (req, res) => {
    asked.times += 1
    asked.most = Math.max(asked.most, ++asked.atOnce)
    await new Promise((resolve) => setImmediate(resolve))
    asked.atOnce -= 1
    const isIn = mayIn(req)
    res.writeHead(isIn ? 200 : 401, { 'content-type': 'text/plain', 'set-cookie': isIn ? answer() : [] })
    res.end(isIn ? 'in' : 'out')
  })
  const probe: Probe = {
    url: shop.url('shop.test', path),
    alive: { status: 200, contentType: 'text/plain' },
    dead: { status: 401, contentType: 'text/plain' },
  }
  return { probe, asked }
}

const sends = (req: IncomingMessage, pair: string): boolean =>
  (req.headers.cookie ?? '').split('; ').includes(pair)

describe('minimize, at the shop', () => {
  test('finds that the session cookie suffices, proves it, and leaves the session as it is', async () => {
    const vault = newVault()
    await using session = await vault.open(
      passwordRecipe(shop, { probe: shop.url('shop.test', '/api/orders?page=1') }),
    )
    const before = session.state
    const { state, removed, probes, smallest: isSmallest, applied } = await session.minimize()
    expect(state.cookies.map(({ name }) => name)).toEqual(['sid'])
    expect(state.origins).toEqual([])
    expect({ isSmallest, applied }).toEqual({ isSmallest: true, applied: false })
    expect(probes).toBeLessThan(40)
    console.log(`${String(before.cookies.length)} cookies → 1, asked ${String(probes)} times`)

    // Nothing of the session is gone; what was left out is named, with what goes with it.
    const names = ({ cookies, origins }: SessionState): string[] => [
      ...cookies.map(({ name, domain, path }) => `${name} ${domain}${path}`),
      ...origins.map(({ origin }) => origin),
    ]
    expect(names(session.state).sort()).toEqual(names(before).sort())
    expect(removed.map(({ name }) => name)).toEqual(expect.arrayContaining(['csrf', 'rot', 'auth', 'tab']))
    expect(removed.find(({ name }) => name === 'auth')?.rule).toMatch(
      /header authorization to https:\/\/api\./i,
    )
    expect(new Set(removed.map(({ reason }) => reason))).toEqual(new Set(['not-needed']))
    expect(JSON.stringify(removed)).not.toContain(shop.canary)

    // The same state elsewhere is signed in; without what is left of it, nobody is (control).
    const stored = await vault.peek(session.name)
    const { probe, identity } = stored?.snapshot ?? {}
    const alone = async (part: SessionState): Promise<string> => {
      const other = newVault()
      await other.put(session.name, { state: part, ...(probe && { probe }), ...(identity && { identity }) })
      await using opened = await other.open(passwordRecipe(shop), { login: 'never' })
      return await opened.check()
    }
    expect(await alone(state)).toBe('alive')
    expect(await alone({ ...before, cookies: before.cookies.filter(({ name }) => name !== 'sid') })).toBe(
      'dead',
    )
    expect(shop.counters.logins).toBe(1)
  })

  test('with apply puts it in place and saves it, except what is to be kept', async () => {
    const vault = newVault()
    const recipe = passwordRecipe(shop, {
      probe: shop.url('shop.test', '/api/orders?page=1'),
      protect: ['__Host-dev*'],
    })
    await using session = await vault.open(recipe)
    const { applied, state } = await session.minimize({ apply: true, keep: ['csrf'] })
    expect(applied).toBe(true)
    expect(session.state.cookies.map(({ name }) => name).sort()).toEqual(['__Host-device', 'csrf', 'sid'])
    expect(state).toEqual(session.state)
    const stored = (await vault.peek(session.name))?.snapshot
    expect(stored?.state).toEqual(session.state)
    expect(stored?.verifiedAt).toBeGreaterThan(Date.now() - 60_000)
    expect((await session.http(shop.url('shop.test', '/api/orders?page=2'))).statusCode).toBe(200)
  })
})

describe('minimize', () => {
  test('finds two of forty that are needed together, one question at a time', async () => {
    const { probe, asked } = door('/two', (req) => sends(req, 'c7=c7-value') && sends(req, 'c31=c31-value'))
    const cookies = Array.from({ length: 40 }, (_, n) => cookie(`c${String(n)}`))
    await using session = await sessionWith({ cookies, origins: [] }, probe)
    const { state, probes } = await session.minimize()
    expect(state.cookies.map(({ name }) => name)).toEqual(['c7', 'c31'])
    expect(asked).toMatchObject({ times: probes, most: 1 })
    expect(probes).toBeLessThan(100)
  })

  test('stays with a server that rotates its cookie with every answer and ends the session at an old one', async () => {
    let turn = 0
    let ended = false
    const { probe } = door(
      '/rotating',
      (req) => {
        if (!sends(req, 'sid=good')) return false
        if (!sends(req, `rot=${String(turn)}`)) ended = true
        return !ended
      },
      () => [`rot=${String(++turn)}; Path=/; Secure; HttpOnly`],
    )
    const cookies = [cookie('a'), cookie('sid', 'good'), cookie('rot', '0'), cookie('b')]
    await using session = await sessionWith({ cookies, origins: [] }, probe)
    // Leaving `rot` out ends this session for good: that is said, and not taken for a result.
    await expect(session.minimize()).rejects.toThrow(SessionDeadError)

    turn = 0
    ended = false
    await using other = await sessionWith({ cookies, origins: [] }, probe)
    const { state } = await other.minimize({ keep: ['rot'] })
    expect(state.cookies.map(({ name }) => name).sort()).toEqual(['rot', 'sid'])
    // The live session has not been told to change, but it must know the newest value.
    expect(other.state.cookies.find(({ name }) => name === 'rot')?.value).toBe(String(turn))
    expect(await other.check()).toBe('alive')
  })

  test('keeps the storage item that a header of the probe is made from', async () => {
    const { probe } = door('/bearer', (req) => req.headers.authorization === 'Bearer token-value')
    const { origin } = new URL(probe.url)
    const vault = newVault()
    const source = { from: 'localStorage', origin, key: 'auth', path: ['token'] } as const
    const rule = {
      header: 'Authorization',
      origins: [origin],
      methods: 'all',
      prefix: 'Bearer ',
      source,
    } as const
    const auth = { name: 'auth', value: JSON.stringify({ token: 'token-value' }) }
    const localStorage = [{ name: 'theme', value: 'dark' }, auth, { name: 'cart', value: '[]' }]
    await vault.put('made/default', {
      state: { cookies: [cookie('sid')], origins: [{ origin, localStorage }] },
      headerRules: [rule],
      probe,
    })
    await using session = await vault.open({ name: 'made', url: origin }, { login: 'never' })
    expect((await session.minimize()).state).toEqual({
      cookies: [],
      origins: [{ origin, localStorage: [auth] }],
    })
  })

  test('stops at the number of questions it is given, with what it has proven by then', async () => {
    const { probe, asked } = door('/few', (req) => sends(req, 'c3=c3-value'))
    const cookies = Array.from({ length: 30 }, (_, n) => cookie(`c${String(n)}`))
    await using session = await sessionWith({ cookies, origins: [] }, probe)
    const found = await session.minimize({ maxProbes: 6 })
    expect(found).toMatchObject({ smallest: false, probes: 6 })
    expect(asked.times).toBe(6)
    expect(found.state.cookies.length).toBeLessThan(30)
    expect(found.state.cookies.map(({ name }) => name)).toContain('c3')
  })

  test('says what is missing without a probe, with one that tells nothing, and with a dead session', async () => {
    const state = { cookies: [cookie('sid')], origins: [] }
    await using without = await sessionWith(state)
    await expect(without.minimize()).rejects.toMatchObject({
      code: 'probe-missing',
      message: expect.stringContaining('Give its recipe a "probe"') as string,
    })
    await using open = await sessionWith(state, door('/open', () => true).probe)
    await expect(open.minimize()).rejects.toThrow(ProbeMissingError)
    await using dead = await sessionWith(state, door('/shut', () => false).probe)
    await expect(dead.minimize()).rejects.toThrow(SessionDeadError)
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(open.minimize({ signal: aborted })).rejects.toThrow('enough')
  })
})

describe('the search for a smallest part', () => {
  test('ends with exactly what is needed, whatever that is and wherever it stands', async () => {
    let nontrivial = 0
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(29), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 30, max: 40 }),
        async (needed, size) => {
          const items = Array.from({ length: size }, (_, n) => n)
          let asked = 0
          const found = await smallest(items, (part) => {
            asked += 1
            return Promise.resolve(needed.every((one) => part.includes(one)))
          })
          expect([...found].sort((a, b) => a - b)).toEqual([...needed].sort((a, b) => a - b))
          if (needed.length > 1) nontrivial += 1
          else expect(asked).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(size)))
        },
      ),
      { numRuns: 200 },
    )
    expect(nontrivial).toBeGreaterThan(50)
  })

  test('gives back something that passes where either of two will do (and nothing of it can go)', async () => {
    const items = Array.from({ length: 16 }, (_, n) => n)
    const passes = (part: readonly number[]): Promise<boolean> =>
      Promise.resolve(part.includes(2) || (part.includes(5) && part.includes(11)))
    const found = await smallest(items, passes)
    expect(await passes(found)).toBe(true)
    for (const one of found) expect(await passes(found.filter((other) => other !== one))).toBe(false)
  })
})
