import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { formAuth, type FormOptions } from '../../../src/index.ts'
import { readForms, readMeta } from '../../../src/login/html-forms.ts'
import { startShop, type Shop } from '../../site/shop.ts'
import { json, readAll } from './oauth-server.ts'
import { failureOf, vaultAt } from './vaults.ts'

let shop: Shop
const counts = { logins: 0, refused: 0, forged: 0 }
const sessions = new Map<string, string>()
let password = ''

beforeAll(async () => {
  shop = await startShop()
  password = `${shop.canary} & <pass>`
  site()
})
afterAll(() => shop.close())
beforeEach(() => {
  Object.assign(counts, { logins: 0, refused: 0, forged: 0 })
  sessions.clear()
})

const cookie = (header: string | undefined, name: string): string | undefined =>
  new RegExp(`(?:^|; )${name}=([^;]*)`).exec(header ?? '')?.[1]

/** A site as frameworks make them: a token in the form and in a cookie, a session cookie, 303 after the login. */
function site(): void {
  let sequence = 0
  const url = (path: string): string => shop.url('www.form.test', path)
  const page = (again: string, token: string): string => `<!doctype html>
    <meta name="csrf-token" content="${token}"><!-- <form><input name=email><input name=password></form> -->
    <form action="/search"><input name="q" value="x"></form>
    <script>const html = "<form method=post action=/trap><input name=email><input name=password>"</script>
    <form method='POST' action="/sessions?from=home&amp;x=1">${again}
      <input type="hidden" name="_token" value="${token}"> <INPUT NAME=email>
      <input type="password" name="password"><input type=checkbox name=remember>
      <input type=radio name=kind value=a><input type=radio name=kind value="b&quot;" checked>
      <select name="region"><option value="eu"><option value="us" selected>US</select>
      <button name="do" value="it">Sign in</button></form>`
  shop.on('www.form.test', '/login', (_, res) => {
    const token = `t${String((sequence += 1))}`
    res.setHeader('set-cookie', [`xsrf=${token}; Path=/; Secure`])
    res.writeHead(200, { 'content-type': 'text/html' }).end(page('', token))
  })
  shop.on('www.form.test', '/sessions', async (req, res) => {
    const form = new URLSearchParams((await readAll(req)).toString())
    const forged =
      form.get('_token') !== cookie(req.headers.cookie, 'xsrf') ||
      req.headers.origin !== new URL(url('/')).origin ||
      req.url !== '/sessions?from=home&x=1'
    if (forged) counts.forged += 1
    const fields = [form.get('kind'), form.get('region'), form.get('remember'), form.get('do'), form.get('q')]
    const right = form.get('email') === 'alice' && form.get('password') === password && !forged
    if (!right || fields.join() !== 'b",us,on,,') {
      counts.refused += 1
      res.writeHead(200, { 'content-type': 'text/html' }).end(page('Wrong password', 't'))
      return
    }
    signIn(res, url('/home'))
  })
  shop.on('www.form.test', '/api/login', async (req, res) => {
    const body = JSON.parse((await readAll(req)).toString()) as Record<string, string>
    const token = cookie(req.headers.cookie, 'xsrf')
    const right = body['email'] === 'alice' && body['password'] === password
    if (req.headers['x-csrf'] !== token || !right) {
      counts.refused += 1
      json(res, 401, { error: 'no' })
    } else signIn(res, undefined)
  })
  const signIn = (res: Parameters<typeof json>[0], to: string | undefined): void => {
    counts.logins += 1
    const sid = `${shop.canary}-sid-${String(counts.logins)}`
    sessions.set(sid, 'alice')
    const headers = { 'set-cookie': [`sid=${sid}; Path=/; Secure; HttpOnly`, '_ga=GA1.2.3.4; Path=/'] }
    if (to === undefined) res.writeHead(200, headers).end('{}')
    else res.writeHead(303, { ...headers, location: to }).end()
  }
  shop.on('www.form.test', '/home', (req, res) => {
    const isIn = sessions.has(cookie(req.headers.cookie, 'sid') ?? '')
    if (isIn) res.writeHead(200, { 'content-type': 'text/html' }).end('Hello alice')
    else res.writeHead(302, { location: '/login' }).end()
  })
  shop.on('www.form.test', '/orders', async (req, res) => {
    await readAll(req)
    const isIn = sessions.has(cookie(req.headers.cookie, 'sid') ?? '')
    const forged = req.method !== 'GET' && req.headers['x-csrf'] !== cookie(req.headers.cookie, 'xsrf')
    json(res, isIn ? (forged ? 419 : 200) : 401, {})
  })
}

const recipe = (more: Partial<FormOptions> = {}) =>
  formAuth({
    name: 'form',
    url: shop.url('www.form.test', '/login'),
    home: shop.url('www.form.test', '/home'),
    fields: { email: 'user', password: 'pass' },
    values: { remember: 'on' },
    ...more,
  })
const vault = (more: { pass?: string } = {}) =>
  vaultAt(shop, { secrets: { user: 'alice', pass: password, ...more } })

describe('a form login over HTTP', () => {
  test('fills in the right form, hidden fields and all, and is proven by the home page', async () => {
    await using session = await vault().open(recipe())
    expect(await session.http(shop.url('www.form.test', '/home')).text()).toBe('Hello alice')
    expect([await session.check(), counts.logins, counts.forged]).toEqual(['alive', 1, 0])
    expect(session.dropped).toMatchObject([{ kind: 'cookie', name: '_ga', reason: 'tracker' }])
  })

  test('goes where the page says that its addresses begin', async () => {
    const form =
      '<form method=post action="enter"><input name=email><input type=password name=password></form>'
    shop.on('www.based.test', '*', (req, res) => {
      const isIn = cookie(req.headers.cookie, 'sid') === 'in'
      if (req.url === '/app/enter') res.setHeader('set-cookie', 'sid=in; Path=/')
      const page = req.url === '/a/login' ? `<base target=x><base href="/app/"><base href="/b/">${form}` : ''
      res.writeHead(isIn || req.url !== '/home' ? 200 : 401, { 'content-type': 'text/html' }).end(page)
    })
    const [url, home] = ['/a/login', '/home'].map((path) => shop.url('www.based.test', path))
    await using session = await vault().open(recipe({ url: url ?? '', home: home ?? '', values: {} }))
    expect(await session.check()).toBe('alive')
  })

  test('is done again, once, when the session dies under many requests', async () => {
    await using session = await vault().open(recipe({ probe: shop.url('www.form.test', '/orders') }))
    sessions.clear()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => session.http(shop.url('www.form.test', '/orders'))),
    )
    expect(answers.every(({ ok }) => ok)).toBe(true)
    expect([counts.logins, session.epoch]).toEqual([2, 2])
  })

  test('sends JSON with a CSRF header where a script would, and the header with later changes', async () => {
    const csrf = { header: 'X-CSRF', cookie: 'xsrf' }
    await using session = await vault().open(
      recipe({ json: shop.url('www.form.test', '/api/login'), csrf, values: {} }),
    )
    const orders = shop.url('www.form.test', '/orders')
    expect((await session.http.post(orders, { json: {} })).statusCode).toBe(200)
    await session.http(shop.url('www.form.test', '/login')) // the token changes
    expect((await session.http.post(orders, { json: {} })).statusCode).toBe(200)
  })

  test('reads the token of a page from its meta tag', async () => {
    const csrf = { header: 'X-CSRF', meta: 'csrf-token' }
    await using session = await vault().open(
      recipe({ json: shop.url('www.form.test', '/api/login'), csrf, values: {} }),
    )
    expect(counts.logins).toBe(1)
    expect((await session.http.post(shop.url('www.form.test', '/orders'), { json: {} })).statusCode).toBe(200)
  })

  test('that shows the form again is rejected, and the same password is not sent twice', async () => {
    const store = vault({ pass: 'wrong' })
    for (const json of [undefined, shop.url('www.form.test', '/api/login')]) {
      counts.refused = 0
      const wrong = recipe({
        name: json === undefined ? 'form' : 'json',
        ...(json !== undefined && { json }),
      })
      expect(await failureOf(store.open(wrong))).toMatchObject({ failure: 'rejected' })
      expect(await failureOf(store.open(wrong))).toMatchObject({ failure: 'rejected' })
      expect(counts.refused).toBe(1)
    }
  })

  test('does not send a password to a foreign action, nor by GET, and says which fields it has not found', async () => {
    let seen = 0
    shop.on('evil.test', '*', (_, res) => {
      seen += 1
      res.end()
    })
    const form = (attributes: string, fields = 'email password'): void => {
      const inputs = fields.split(' ').map((name) => `<input name="${name}">`)
      shop.on('www.form.test', '/odd', (_, res) => {
        res.end(`<form ${attributes}>${inputs.join('')}</form>`)
      })
    }
    const odd = (name: string) => recipe({ name, url: shop.url('www.form.test', '/odd') })
    form(`method=post action="${shop.url('evil.test', '/')}"`)
    expect(await failureOf(vault().open(odd('foreign')))).toMatchObject({ code: 'recipe-invalid' })
    form('')
    expect(await failureOf(vault().open(odd('get')))).toMatchObject({ failure: 'not-completed' })
    form('method=post', 'name')
    expect((await failureOf(vault().open(odd('missing')))).message).toContain('email, password')
    expect(seen).toBe(0)
  })
})

describe('reading forms', () => {
  test('takes attributes in any order, case and quoting, and decodes them', () => {
    const [form] = readForms(
      `<FORM ACTION='/a?b=1&amp;c=&#50;' Method=Post><input VALUE="&lt;&#x41;>" type=hidden name='h'/>` +
        '<textarea name=t></textarea><input disabled name=no value=1><input type=submit name=s value=1></FORM>',
    )
    expect(form).toMatchObject({ action: '/a?b=1&c=2', method: 'post', hasPassword: false })
    expect(form?.defaults).toEqual([
      ['h', '<A>'],
      ['t', ''],
    ])
  })

  test('does not hang on pages that are no HTML', () => {
    const begun = process.cpuUsage()
    for (const text of [
      '<',
      '<form',
      `<form ${'a='.repeat(20_000)}`,
      '<!--'.repeat(20_000),
      '<script>'.repeat(5_000),
    ])
      expect(readForms(text)).toEqual([])
    expect(readMeta('<meta name=a content=b>', 'a')).toBe('b')
    const { user, system } = process.cpuUsage(begun) // a busy machine takes none of it
    expect(user + system).toBeLessThan(5_000_000)
  })
})
