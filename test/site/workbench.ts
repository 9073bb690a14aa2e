import { type Exchange, type Handler, query, readBody, sendJson, sendPage, sendRedirect } from './exchange.ts'

/** What `/echo` answers: the request as it came over the wire. */
export interface Echo {
  readonly method: string
  readonly url: string
  readonly host: string
  readonly secure: boolean
  readonly httpVersion: string
  /** Names and values in the order and case of the wire. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/** Paths on every host that tests use to look at the wire and to put things in place. */
export const workbenchRoutes: Record<string, Record<string, Handler>> = {
  '*': {
    '/echo': echo,
    '/redirect': redirect,
    '/set-cookie': setCookie,
    '/blank': blank,
    '/stuck': stuck,
    '/seed': seed,
    '/favicon.ico': (exchange) => {
      exchange.res.writeHead(204).end()
    },
  },
}

/** Any origin may read the answer, with credentials: what reaches `/echo` is for the test to judge. */
async function echo(exchange: Exchange): Promise<void> {
  const { req, res } = exchange
  allowAnyOrigin(exchange)
  if (req.method === 'OPTIONS') {
    res.writeHead(204).end()
    return
  }
  const body = (await readBody(exchange)).toString('latin1')
  const headers = req.rawHeaders.flatMap((name, at, raw): [string, string][] =>
    at % 2 === 0 ? [[name, raw[at + 1] ?? '']] : [],
  )
  const { method = '', url = '', httpVersion } = req
  const { host, secure } = exchange
  sendJson(exchange, 200, { method, url, host, secure, httpVersion, headers, body } satisfies Echo)
}

/** `/redirect?to=<url>&status=<code, default 302>&cookie=<Set-Cookie line>…` */
function redirect(exchange: Exchange): void {
  const asked = query(exchange)
  allowAnyOrigin(exchange)
  exchange.req.resume()
  sendRedirect(
    exchange,
    Number(asked.get('status') ?? '302'),
    asked.get('to') ?? '/echo',
    asked.getAll('cookie'),
  )
}

/** `/set-cookie?line=<Set-Cookie line>…` */
function setCookie(exchange: Exchange): void {
  allowAnyOrigin(exchange)
  sendPage(exchange, 'Cookies set', '<p>Cookies set</p>', { 'set-cookie': query(exchange).getAll('line') })
}

function blank(exchange: Exchange): void {
  sendPage(exchange, 'Blank', '')
}

/**
 * `/stuck?ms=<how long>`: once its button "Hang" is pressed, or `hang(ms)` is called, the page's main thread spins for
 * that long (default 20 seconds, so that a forgotten page does not eat a core for ever). It has storage worth reading.
 */
function stuck(exchange: Exchange): void {
  const ms = Number(query(exchange).get('ms') ?? '20000')
  sendPage(
    exchange,
    'Stuck',
    `<button onclick="hang()">Hang</button><script>
localStorage.setItem('stuck', 'yes')
sessionStorage.setItem('stuck', 'yes')
function hang(ms = ${String(ms)}) { const end = Date.now() + ms; while (Date.now() < end); }
</script>`,
  )
}

/** `/seed?items=<count, default 3>`: fills this origin's localStorage and says so in `data-items` of the body. */
function seed(exchange: Exchange): void {
  const items = Number(query(exchange).get('items') ?? '3')
  sendPage(
    exchange,
    'Seed',
    `<script>for (let n = 1; n <= ${String(items)}; n++) localStorage.setItem('item' + n, 'value ' + n + ' of ' + location.hostname)
document.body.dataset.items = localStorage.length</script>`,
  )
}

function allowAnyOrigin(exchange: Exchange): void {
  const { origin } = exchange.req.headers
  if (origin === undefined) return
  const { res, req } = exchange
  res.setHeader('access-control-allow-origin', origin)
  res.setHeader('access-control-allow-credentials', 'true')
  res.setHeader('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE')
  res.setHeader('access-control-allow-headers', req.headers['access-control-request-headers'] ?? '*')
}
