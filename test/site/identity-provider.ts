import { sessionCookies, sessionFacts } from './api.ts'
import { type Handler, cookieLine, cookieOf, query, readBody, sendPage, sendRedirect } from './exchange.ts'
import type { Ledger } from './ledger.ts'
import { welcomePage } from './pages.ts'

/**
 * The redirect login over two hosts: `shop.test/sso` → `id.test/authorize` → `id.test/sign-in` (an ordinary form) →
 * `shop.test/sso/callback` → `/account`. It ends with a session cookie on both hosts; while the one of `id.test`
 * lives, `/sso` signs in to the shop without asking.
 */
export function identityRoutes(ledger: Ledger): Record<string, Record<string, Handler>> {
  const people = new Map<string, string>()
  const codes = new Map<string, string>()

  const authorize: Handler = (exchange) => {
    const asked = query(exchange)
    const account = people.get(cookieOf(exchange, 'idsid') ?? '')
    if (account === undefined) {
      sendRedirect(exchange, 302, `/sign-in?${asked.toString()}`)
      return
    }
    const code = ledger.secret('code')
    codes.set(code, account)
    const callback = new URL(asked.get('redirect_uri') ?? '', exchange.origin('shop.test'))
    if (callback.host !== new URL(exchange.origin('shop.test')).host) throw new Error('Unknown redirect_uri')
    callback.searchParams.set('code', code)
    callback.searchParams.set('state', asked.get('state') ?? '')
    sendRedirect(exchange, 302, callback.href)
  }

  const signIn: Handler = async (exchange) => {
    const asked = query(exchange)
    if (exchange.req.method !== 'POST') {
      sendPage(exchange, 'id.test', signInForm(''))
      return
    }
    const form = new URLSearchParams((await readBody(exchange)).toString())
    const found = Object.entries(ledger.accounts).find(
      ([, known]) => known.email === form.get('email') && known.password === form.get('password'),
    )
    if (found === undefined) {
      ledger.counters.failedLogins += 1
      sendPage(exchange, 'id.test', signInForm('<p role="alert">Wrong email or password.</p>'))
      return
    }
    ledger.counters.logins += 1
    const idsid = ledger.secret('idsid')
    people.set(idsid, found[0])
    sendRedirect(exchange, 303, `/authorize?${asked.toString()}`, [
      cookieLine(exchange, `idsid=${idsid}`, 'HttpOnly', 'SameSite=Lax', 'Max-Age=2592000'),
    ])
  }

  return {
    'id.test': { '/authorize': authorize, '/sign-in': signIn },
    'shop.test': {
      '/sso': (exchange) => {
        const state = ledger.secret('state')
        const asked = new URLSearchParams({
          client_id: 'shop',
          redirect_uri: `${exchange.origin('shop.test')}/sso/callback`,
          state,
        })
        sendRedirect(exchange, 302, `${exchange.origin('id.test')}/authorize?${asked.toString()}`, [
          cookieLine(exchange, `sso_state=${state}`, 'HttpOnly', 'SameSite=Lax', 'Max-Age=600'),
        ])
      },
      '/sso/*': (exchange) => {
        const asked = query(exchange)
        const account = codes.get(asked.get('code') ?? '')
        codes.delete(asked.get('code') ?? '')
        if (account === undefined || asked.get('state') !== cookieOf(exchange, 'sso_state')) {
          sendRedirect(exchange, 302, '/login')
          return
        }
        const session = ledger.open(account)
        sendPage(exchange, 'Welcome', welcomePage(sessionFacts(session)), {
          'set-cookie': [
            ...sessionCookies(exchange, ledger, session),
            cookieLine(exchange, 'sso_state=', 'HttpOnly', 'SameSite=Lax', 'Max-Age=0'),
          ],
        })
      },
    },
  }
}

function signInForm(alert: string): string {
  return `<h1>Sign in with id.test</h1>${alert}<form method="post">
<label>Email <input type="email" name="email"></label>
<label>Password <input type="password" name="password"></label>
<button>Sign in</button></form>`
}
