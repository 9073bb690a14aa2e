import { rotate, sessionOf } from './api.ts'
import {
  type Exchange,
  type Handler,
  cookieLine,
  cookieOf,
  send,
  sendPage,
  sendRedirect,
} from './exchange.ts'
import type { Ledger, ShopSession } from './ledger.ts'
import { ordersHtml } from './orders.ts'
import { appScripts } from './scripts.ts'

/** The pages of `shop.test` that a person sees. */
export function pageRoutes(ledger: Ledger): Record<string, Record<string, Handler>> {
  return {
    'shop.test': {
      '/': (exchange) => {
        sendRedirect(exchange, 302, '/account')
      },
      '/app/*': (exchange) => {
        const script = appScripts[exchange.path]
        send(exchange, script === undefined ? 404 : 200, 'text/javascript; charset=utf-8', script ?? '')
      },
      '/login': (exchange) => {
        if (sessionOf(exchange, ledger) === undefined) sendPage(exchange, 'Sign in', loginPage(exchange))
        else sendRedirect(exchange, 302, '/account')
      },
      '/account': memberPage(ledger, 'Your account', accountPage),
      '/report': memberPage(ledger, 'Report', reportPage),
      '/embed': memberPage(ledger, 'Embedded', embedPage),
      '/orders': ordersPage(ledger),
      '/orders/*': ordersPage(ledger),
      '/logout': (exchange) => {
        const session = ledger.bySid(cookieOf(exchange, 'sid'))
        if (session !== undefined) {
          ledger.end(session)
          ledger.counters.logouts += 1
        }
        sendPage(exchange, 'Signed out', logoutPage, { 'set-cookie': endedCookies(exchange) })
      },
    },
  }
}

function memberPage(ledger: Ledger, title: string, body: (exchange: Exchange) => string): Handler {
  return (exchange) => {
    const session = memberOf(exchange, ledger)
    if (session !== undefined) sendPage(exchange, title, body(exchange), rotate(exchange, ledger, session))
  }
}

/** `/orders/<page>`, and `/orders` for the first. */
function ordersPage(ledger: Ledger): Handler {
  return (exchange) => {
    const session = memberOf(exchange, ledger)
    if (session === undefined) return
    const page = Number(exchange.path.slice('/orders/'.length) || '1')
    send(exchange, 200, 'text/html; charset=utf-8', ordersHtml(page), rotate(exchange, ledger, session))
  }
}

/** The signed-in user; anyone else is sent to the login. */
function memberOf(exchange: Exchange, ledger: Ledger): ShopSession | undefined {
  const session = sessionOf(exchange, ledger)
  if (session === undefined) {
    ledger.counters.refused += 1
    sendRedirect(exchange, 302, '/login')
    return undefined
  }
  ledger.counters.pages += 1
  return session
}

function loginPage(exchange: Exchange): string {
  return `<div id="app">Loading …</div>\n${trackerTag(exchange)}\n<script src="/app/login.js"></script>`
}

function accountPage(exchange: Exchange): string {
  return `<h1 data-testid="greeting">Loading …</h1>
<ul data-testid="calls"></ul>
<p data-testid="status">loading</p>
<nav><a href="/orders/1">Orders</a> <a href="/report">Report</a> <a href="/logout">Sign out</a></nav>
${trackerTag(exchange)}
<script src="/app/account.js" data-api="${exchange.origin('api.shop.test')}"></script>`
}

function reportPage(): string {
  return `<h1>Report</h1>\n<p>Total of thirty orders: </p>
<script src="/app/report.js"></script>`
}

/** Two frames with storage of their own: one of the same site, one of a foreign site (hence partitioned). */
function embedPage(exchange: Exchange): string {
  return `<h1>Embedded</h1>
<iframe title="help" src="${exchange.origin('help.shop.test')}/frame"></iframe>
<iframe title="widget" src="${exchange.origin('widget.test')}/frame"></iframe>`
}

const logoutPage = `<h1>Signed out</h1><a href="/login">Sign in again</a>
<script>localStorage.removeItem('auth'); sessionStorage.removeItem('tab'); indexedDB.deleteDatabase('shop')</script>`

function endedCookies(exchange: Exchange): string[] {
  const ended = 'Max-Age=0'
  return [
    cookieLine(exchange, 'sid=', 'HttpOnly', 'SameSite=Lax', ended),
    cookieLine(exchange, 'csrf=', 'SameSite=Strict', ended),
    cookieLine(exchange, 'rot=', 'HttpOnly', ended),
  ]
}

function trackerTag(exchange: Exchange): string {
  return `<script async src="${exchange.origin('cdn.tracker.test')}/t.js"></script>`
}

/** Where the redirect login ends: the page fetches what it has to keep, as a single-page application would. */
export function welcomePage(facts: unknown): string {
  const quoted = JSON.stringify(facts).replaceAll('"', '&quot;')
  return `<p>Welcome back …</p><script src="/app/welcome.js" data-facts="${quoted}"></script>`
}
