import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** One request to the shop with its answer, in the few verbs that the pages need. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** Host name without port, lower case. */
  readonly host: string
  readonly path: string
  readonly secure: boolean
  /** Origin of another host of the shop, same scheme and port as this request came in by. */
  origin(host: string): string
}

export type Handler = (exchange: Exchange) => void | Promise<void>

const bodyLimit = 16 * 1024 * 1024

export function query(exchange: Exchange): URLSearchParams {
  const url = exchange.req.url ?? '/'
  const at = url.indexOf('?')
  return new URLSearchParams(at === -1 ? '' : url.slice(at + 1))
}

/** First cookie of that name, as sent. */
export function cookieOf(exchange: Exchange, name: string): string | undefined {
  for (const pair of (exchange.req.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}

export function send(
  exchange: Exchange,
  status: number,
  type: string,
  body: string | Buffer,
  headers: OutgoingHttpHeaders = {},
): void {
  exchange.res.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  })
  exchange.res.end(exchange.req.method === 'HEAD' ? undefined : body)
}

export function sendJson(
  exchange: Exchange,
  status: number,
  body: unknown,
  headers?: OutgoingHttpHeaders,
): void {
  send(exchange, status, 'application/json', JSON.stringify(body), headers)
}

export function sendPage(
  exchange: Exchange,
  title: string,
  body: string,
  headers?: OutgoingHttpHeaders,
): void {
  const html =
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>` +
    `<link rel="icon" href="data:,"></head><body>\n${body}\n</body></html>\n`
  send(exchange, 200, 'text/html; charset=utf-8', html, headers)
}

export function sendRedirect(exchange: Exchange, status: number, to: string, cookies: string[] = []): void {
  send(exchange, status, 'text/plain', '', {
    location: to,
    ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}),
  })
}

export async function readBody(exchange: Exchange): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of exchange.req as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bodyLimit) throw new Error('The body is larger than the shop reads')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Fields of a JSON object in the body that are strings; nothing for any other body. */
export async function readFields(exchange: Exchange): Promise<Record<string, string>> {
  const body: unknown = JSON.parse((await readBody(exchange)).toString() || '{}')
  if (typeof body !== 'object' || body === null) return {}
  return Object.fromEntries(
    Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

/** A `Set-Cookie` line; `Secure` exactly when the request came by https. */
export function cookieLine(exchange: Exchange, pair: string, ...attributes: string[]): string {
  return [pair, 'Path=/', ...attributes, ...(exchange.secure ? ['Secure'] : [])].join('; ')
}
