import { type Exchange, type Handler, cookieLine, cookieOf, readFields, send, sendJson } from './exchange.ts'
import type { Ledger, ShopSession } from './ledger.ts'
import { ordersJson } from './orders.ts'

/** The shop's JSON API: on `shop.test` by cookie and CSRF header, on `api.shop.test` by bearer token. */
export function apiRoutes(ledger: Ledger): Record<string, Record<string, Handler>> {
  return { 'shop.test': cookieApi(ledger), 'api.shop.test': bearerApi(ledger) }
}

function cookieApi(ledger: Ledger): Record<string, Handler> {
  return {
    '/api/login': async (exchange) => {
      const { email = '', password = '' } = await readFields(exchange)
      const session = ledger.signIn(email, password)
      if (session === undefined) sendJson(exchange, 401, { error: 'Wrong email or password.' })
      else
        sendJson(exchange, 200, sessionFacts(session), {
          'set-cookie': sessionCookies(exchange, ledger, session),
        })
    },
    '/api/session': signedIn(ledger, (exchange, session) => {
      ledger.counters.tokensRenewed += 1
      ledger.renewToken(session)
      sendJson(exchange, 200, sessionFacts(session), rotate(exchange, ledger, session))
    }),
    '/api/orders': signedIn(ledger, (exchange, session) => {
      send(
        exchange,
        200,
        'application/json',
        ordersJson(pageNumber(exchange)),
        rotate(exchange, ledger, session),
      )
    }),
    '/api/seen': signedInWrite(ledger, (exchange) => {
      sendJson(exchange, 200, { seen: true })
    }),
    '/api/cart': signedInWrite(ledger, async (exchange, session) => {
      sendJson(exchange, 200, { account: session.account, added: (await readFields(exchange)).item ?? null })
    }),
    '/api/tab': signedIn(ledger, (exchange, session) => {
      const right = exchange.req.headers['x-tab'] === session.tab
      sendJson(exchange, right ? 200 : 403, right ? { tab: true } : { error: 'Unknown tab.' })
    }),
  }
}

function bearerApi(ledger: Ledger): Record<string, Handler> {
  return {
    '/me': withCors(
      ledger,
      withBearer(ledger, (exchange, session) => {
        sendJson(exchange, 200, { name: session.account, email: `${session.account}@shop.test` })
      }),
    ),
    '/orders': withCors(
      ledger,
      withBearer(ledger, (exchange) => {
        send(exchange, 200, 'application/json', ordersJson(pageNumber(exchange)))
      }),
    ),
  }
}

/** The cookies that a login leaves behind: one of each kind that a bridge may get wrong. */
export function sessionCookies(exchange: Exchange, ledger: Ledger, session: ShopSession): string[] {
  const month = 'Max-Age=2592000'
  return [
    cookieLine(exchange, `sid=${session.sid}`, 'HttpOnly', 'SameSite=Lax', month),
    cookieLine(exchange, `csrf=${session.csrf}`, 'SameSite=Strict'),
    cookieLine(exchange, `rot=${session.rotation}`, 'HttpOnly', month),
    cookieLine(exchange, `twin=${ledger.secret('twin-host')}`),
    cookieLine(exchange, `twin=${ledger.secret('twin-domain')}`, 'Domain=shop.test'),
    // Prefixes and partitions need https.
    ...(exchange.secure
      ? [
          cookieLine(
            exchange,
            `__Host-device=${ledger.secret('device')}`,
            'HttpOnly',
            'SameSite=Strict',
            month,
          ),
          cookieLine(exchange, `chips=${ledger.secret('chips')}`, 'SameSite=None', 'Partitioned', month),
        ]
      : []),
  ]
}

/** What the page keeps in its storage: `auth` in localStorage, `tab` in sessionStorage, `cart` in IndexedDB. */
export function sessionFacts(session: ShopSession): Record<string, unknown> {
  return {
    auth: { token: session.token, user: session.account, diesAt: session.tokenDiesAt },
    tab: session.tab,
    cart: session.cart,
  }
}

/** Read without building a URL: benches ask for this thousands of times a second. */
function pageNumber(exchange: Exchange): number {
  return Number(/[?&]page=(\d+)/.exec(exchange.req.url ?? '')?.[1] ?? '1')
}

type SessionHandler = (exchange: Exchange, session: ShopSession) => void | Promise<void>

export function sessionOf(exchange: Exchange, ledger: Ledger): ShopSession | undefined {
  const session = ledger.bySid(cookieOf(exchange, 'sid'))
  if (session === undefined) return undefined
  const rotation = cookieOf(exchange, 'rot')
  if (rotation === session.rotation) return session
  ledger.counters.staleRotations += 1
  if (!ledger.strictRotation) return session
  ledger.end(session)
  return undefined
}

/** Headers of an answer to a signed-in user: every 25th carries a new value of the rotating cookie. */
export function rotate(exchange: Exchange, ledger: Ledger, session: ShopSession): Record<string, string> {
  session.answers += 1
  if (session.answers % ledger.rotateEvery !== 0) return {}
  session.rotation = ledger.secret('rot')
  ledger.counters.rotations += 1
  return { 'set-cookie': cookieLine(exchange, `rot=${session.rotation}`, 'HttpOnly', 'Max-Age=2592000') }
}

function signedIn(ledger: Ledger, handler: SessionHandler): Handler {
  return (exchange) => {
    const session = sessionOf(exchange, ledger)
    if (session === undefined) {
      ledger.counters.refused += 1
      sendJson(exchange, 401, { error: 'Sign in first.' })
      return
    }
    ledger.counters.apiCalls += 1
    return handler(exchange, session)
  }
}

function signedInWrite(ledger: Ledger, handler: SessionHandler): Handler {
  return signedIn(ledger, (exchange, session) => {
    const sent = exchange.req.headers['x-csrf-token']
    if (exchange.req.method !== 'POST') {
      sendJson(exchange, 405, { error: 'POST only.' }, { allow: 'POST' })
      return
    }
    if (sent !== session.csrf || cookieOf(exchange, 'csrf') !== session.csrf) {
      ledger.counters.csrfRefused += 1
      sendJson(exchange, 403, { error: 'CSRF token missing or wrong.' })
      return
    }
    return handler(exchange, session)
  })
}

function withBearer(ledger: Ledger, handler: SessionHandler): Handler {
  return (exchange) => {
    const token = /^Bearer (.+)$/.exec(exchange.req.headers.authorization ?? '')?.[1]
    const session = ledger.byToken(token)
    if (session === undefined) {
      ledger.counters.refused += 1
      sendJson(exchange, 401, { error: 'Token missing or dead.' }, { 'www-authenticate': 'Bearer' })
      return
    }
    ledger.counters.apiCalls += 1
    return handler(exchange, session)
  }
}

/** Only the shop's own pages may read the answers; a preflight says which headers they may send. */
function withCors(ledger: Ledger, handler: Handler): Handler {
  return (exchange) => {
    const { origin } = exchange.req.headers
    exchange.res.setHeader('vary', 'Origin')
    if (origin === exchange.origin('shop.test')) exchange.res.setHeader('access-control-allow-origin', origin)
    if (exchange.req.method !== 'OPTIONS') return handler(exchange)
    ledger.counters.preflights += 1
    exchange.res.setHeader('access-control-allow-methods', 'GET, POST')
    exchange.res.setHeader('access-control-allow-headers', 'authorization, content-type')
    exchange.res.setHeader('access-control-max-age', '600')
    exchange.res.writeHead(204).end()
  }
}
