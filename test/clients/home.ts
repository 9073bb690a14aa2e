import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { readAll } from '../login/auth/oauth-server.ts'
import type { Shop } from '../site/shop.ts'

export interface Seen {
  readonly at: string
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A site whose session is a cookie and a token in a header, both new with each login, and a foreign site. */
export interface Home {
  readonly seen: Seen[]
  readonly counts: { logins: number }
  /** Session ids that are taken. */
  readonly alive: Set<string>
  readonly big: Buffer
  /** Resolves with the request of the next one that gets no answer. */
  readonly hanging: () => Promise<IncomingMessage>
  reset(): void
}

export const coded = 'grüße '.repeat(99)

type Reply = (res: ServerResponse, req: IncomingMessage) => void

export function startHome(shop: Shop, hosts: readonly string[], foreign: readonly string[]): Home {
  const home = {
    seen: [] as Seen[],
    counts: { logins: 0 },
    alive: new Set<string>(),
    big: Buffer.alloc(3_000_000, 'abcdefghij'),
    hanging: () => new Promise<IncomingMessage>((resolve) => waiting.push(resolve)),
    reset() {
      home.seen.length = 0
      home.counts.logins = 0
      home.alive.clear()
    },
  }
  const waiting: ((req: IncomingMessage) => void)[] = []
  for (const host of hosts) serve(shop, host, home, waiting)
  for (const host of foreign)
    shop.on(host, '*', async (req, res) => {
      home.seen.push(await seenOf(`${host}${req.url ?? ''}`, req))
      res.writeHead(200, { 'set-cookie': 'foreign=1; Path=/' }).end('foreign')
    })
  return home
}

function serve(shop: Shop, host: string, home: Home, waiting: ((req: IncomingMessage) => void)[]): void {
  shop.on(host, '/login', (_, res) => {
    home.counts.logins += 1
    const id = `${shop.canary}-${String(home.counts.logins)}`
    home.alive.add(id)
    res.writeHead(200, { 'set-cookie': [`sid=${id}; Path=/; HttpOnly`, 'theme=dark; Path=/'] }).end(id)
  })
  const answer = (path: string, reply: Reply): void => {
    shop.on(host, path, async (req, res) => {
      home.seen.push(await seenOf(`${host}${req.url ?? ''}`, req))
      const sid = /(?:^|; )sid=([^;]*)/.exec(req.headers.cookie ?? '')?.[1] ?? ''
      if (home.alive.has(sid) && req.headers['x-token'] === sid) reply(res, req)
      else res.writeHead(401, { 'content-type': 'text/plain' }).end('who are you')
    })
  }
  const away = host === '127.0.0.1' ? shop.httpUrl('localhost', '/landed') : shop.url('evil.test', '/landed')
  for (const [path, reply] of Object.entries(replies(home, away, waiting))) answer(path, reply)
}

function replies(
  { big }: Home,
  away: string,
  waiting: ((req: IncomingMessage) => void)[],
): Record<string, Reply> {
  const cookies = ['seen=yes; Path=/', 'theme=; Path=/; Max-Age=0', 'bad=1; Domain=evil.test']
  return {
    '/me': (res) => res.writeHead(200, { 'content-type': 'text/plain' }).end('alice'),
    '/set': (res) => res.writeHead(200, { 'set-cookie': cookies }).end('set'),
    '/gzip': (res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(coded)),
    '/br': (res) => res.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync(coded)),
    '/deflate': (res) => res.writeHead(200, { 'content-encoding': 'deflate' }).end(deflateSync(coded)),
    '/big': (res) => res.writeHead(200).end(big),
    '/none': (res) => res.writeHead(204).end(),
    '/teapot': (res) => res.writeHead(418).end('short and stout'),
    '/near': (res) => res.writeHead(302, { location: '/me', 'set-cookie': 'hop=1; Path=/' }).end(),
    '/after-post': (res) => res.writeHead(303, { location: '/me' }).end(),
    '/away': (res) => res.writeHead(302, { location: away }).end(),
    '/away-with-body': (res) => res.writeHead(307, { location: away }).end(),
    '/hang': (_res, req) => waiting.shift()?.(req),
    '/half': (res, req) => {
      res.writeHead(200, { 'content-length': '1000000' }).write('the first half')
      waiting.shift()?.(req)
    },
  }
}

async function seenOf(at: string, req: IncomingMessage): Promise<Seen> {
  return { at, method: req.method, headers: req.headers, body: (await readAll(req)).toString() }
}
