import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkProbe } from '../../src/login/probe.ts'
import { runLogin, type Harvest } from '../../src/login/run-login.ts'
import { Cell } from '../../src/state/cell.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { atShop, passwordRecipe, ssoRecipe } from './recipes.ts'

let shop: Shop

beforeAll(async () => {
  shop = await startShop()
})

afterAll(async () => {
  await shop.close()
})

describe('a login with a password', () => {
  let harvest: Harvest

  beforeAll(async () => {
    harvest = await runLogin(passwordRecipe(shop), await atShop(shop))
  })

  test('logs in once and brings home what carries the session', () => {
    expect(shop.counters.logins).toBe(1)
    expect(shop.counters.logouts).toBe(0)
    const names = harvest.state.cookies.map(({ name }) => name)
    for (const name of ['sid', 'csrf', 'rot', 'twin', '__Host-device']) expect(names).toContain(name)
    expect(names.filter((name) => name === 'twin').length).toBe(2)
    const origin = harvest.state.origins.find(
      (candidate) => candidate.origin === new URL(shop.url('shop.test')).origin,
    )
    expect(origin?.localStorage.map(({ name }) => name)).toContain('auth')
    expect(origin?.sessionStorage?.map(({ name }) => name)).toEqual(['tab'])
    expect(harvest.visitedOrigins).toContain(origin?.origin)
  })

  test('cuts what trackers have left, and says so', () => {
    expect(harvest.state.cookies.filter(({ name }) => name.startsWith('_'))).toMatchObject([
      { name: '__Host-device' },
    ])
    const trackers = harvest.report.filter(({ reason }) => reason === 'tracker').map(({ name }) => name)
    expect(trackers).toEqual(expect.arrayContaining(['_ga', '_gid', '_fbp', '_gcl_au']))
    expect(JSON.stringify(harvest.report)).not.toContain(shop.canary)
  })

  test('learns the three headers, each for exactly the origin where the page sent it', () => {
    const own = new URL(shop.url('shop.test')).origin
    const api = new URL(shop.url('api.shop.test')).origin
    const rules = [...harvest.headerRules].sort((a, b) =>
      a.header.toLowerCase() < b.header.toLowerCase() ? -1 : 1,
    )
    expect(rules.map((rule) => ({ ...rule, header: rule.header.toLowerCase() }))).toEqual([
      {
        header: 'authorization',
        origins: [api],
        methods: 'all',
        prefix: 'Bearer ',
        source: { from: 'localStorage', origin: own, key: 'auth', path: ['token'] },
      },
      {
        header: 'x-csrf-token',
        origins: [own],
        methods: 'unsafe',
        prefix: '',
        source: { from: 'cookie', name: 'csrf', domain: 'shop.test' },
      },
      {
        header: 'x-tab',
        origins: [own],
        methods: 'all',
        prefix: '',
        source: { from: 'sessionStorage', origin: own, key: 'tab', path: [] },
      },
    ])
    expect(harvest.unexplained).toEqual([])
  })

  test('captures how the site knows the browser: no word of headless, hints and user agent of one mind', () => {
    const { identity } = harvest
    const sent = new Map(identity.navigationHeaders.map(([name, value]) => [name.toLowerCase(), value]))
    expect(JSON.stringify(identity)).not.toMatch(/headless/i)
    expect(sent.get('user-agent')).toBe(identity.userAgent)
    const major = /Chrome\/(\d+)/.exec(identity.userAgent)?.[1] ?? 'none'
    expect(sent.get('sec-ch-ua')).toContain(`"Chromium";v="${major}"`)
    expect(sent.get('sec-fetch-mode')).toBe('navigate')
    expect(sent.has('cookie') || sent.has('host')).toBe(false)
    expect(identity.languages[0]).toBe(sent.get('accept-language')?.split(',')[0])
    expect(identity.timeZone).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone)
    expect(identity.viewport).toEqual({ width: 1280, height: 720 })
    expect(identity.colorScheme).toBe('light')
  })

  test('proves it with a probe that sees a revocation', async () => {
    const { probe, state, identity, headerRules } = harvest
    if (probe === undefined) throw new Error('no probe was learned')
    expect(probe.alive.status).toBe(200)
    expect(probe.dead.status).toBe(401)
    const cell = new Cell(state)
    const carrier = { name: 'shop/alice', cell, identity, headerRules }
    const http = { lookup: shop.lookup, ca: shop.ca }
    expect(await checkProbe(probe, carrier, http)).toBe('alive')
    shop.revoke('alice')
    const before = cell.state
    expect(await checkProbe(probe, carrier, http)).toBe('dead')
    expect(cell.state).toBe(before)
    expect(await checkProbe({ ...probe, url: 'https://nowhere.example/' }, carrier, http)).toBe('unclear')
  })
})

describe('other ways in', () => {
  test('a login over two hosts carries the cookies of both', async () => {
    const { state, probe } = await runLogin(ssoRecipe(shop), await atShop(shop))
    const names = state.cookies.map(({ name, domain }) => `${domain} ${name}`)
    expect(names).toEqual(expect.arrayContaining(['shop.test sid', 'id.test idsid']))
    expect(probe).toBeDefined()
  })

  test('a recipe may say itself what proves the login, where home is, and which request is the probe', async () => {
    const recipe = passwordRecipe(shop, {
      verify: (page) => page.getByTestId('status').isVisible(),
      home: shop.url('shop.test', '/report'),
      probe: shop.url('shop.test', '/api/orders?page=1'),
    })
    const harvest = await runLogin(recipe, await atShop(shop))
    expect(harvest.probe).toMatchObject({ url: recipe.probe, alive: { status: 200 }, dead: { status: 401 } })
  })

  test('a login whose page is slow is waited for, not guessed', async () => {
    shop.on('shop.test', '/slow/login', (_, res) => {
      res.setHeader('content-type', 'text/html').end(slowLogin)
    })
    shop.on('shop.test', '/slow/submit', (_, res) => {
      setTimeout(() => res.setHeader('set-cookie', 'slow=canary-slow-1; Path=/; HttpOnly').end('{}'), 700)
    })
    shop.on('shop.test', '/slow/home', (req, res) => {
      const signedIn = req.headers.cookie?.includes('slow=') === true
      res
        .writeHead(signedIn ? 200 : 302, { 'content-type': 'text/html', location: '/slow/login' })
        .end('Hello')
    })
    const recipe = passwordRecipe(shop, { url: shop.url('shop.test', '/slow/login') })
    const { state, probe } = await runLogin(recipe, await atShop(shop))
    expect(state.cookies.map(({ name }) => name)).toContain('slow')
    expect(probe).toMatchObject({ alive: { status: 200 }, dead: { status: 302, location: '/slow/login' } })
  })
})

const slowLogin = `<!doctype html><title>slow</title><div></div><script>
setTimeout(() => {
  document.querySelector('div').innerHTML = '<label>Email <input></label><label>Password <input type=password></label><button>Sign in</button>'
  document.querySelector('button').onclick = async () => {
    await new Promise((resolve) => setTimeout(resolve, 600))
    await fetch('/slow/submit', { method: 'POST', body: document.querySelector('[type=password]').value })
    document.querySelector('div').innerHTML = 'One moment …'
    setTimeout(() => location.assign('/slow/home'), 900)
  }
}, 800)
</script>`
