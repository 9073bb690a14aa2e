import { Readable } from 'node:stream'
import { plainUrl } from '../errors.ts'
import { SignOutGuardedError } from './sign-out-guarded.ts'
import type { Session } from '../session/session.ts'

/** What Crawlee's crawlers ask of their `httpClient`; the shape of its `BaseHttpClient` (3.13 and later). */
export interface CrawleeHttpClient {
  sendRequest<Kind extends keyof Bodies = 'text'>(request: CrawleeRequest<Kind>): Promise<CrawleeAnswer<Kind>>
  stream(request: CrawleeRequest, onRedirect?: unknown): Promise<CrawleeStream>
}

interface Bodies {
  json: unknown
  text: string
  buffer: Buffer
}

export interface CrawleeRequest<Kind extends keyof Bodies = keyof Bodies> {
  readonly [name: string]: unknown
  readonly url: string | URL
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>
  readonly body?: unknown
  readonly signal?: AbortSignal
  readonly followRedirect?: unknown
  readonly responseType?: Kind
  readonly throwHttpErrors?: boolean
  readonly proxyUrl?: string
  readonly sessionToken?: object
}

interface Head {
  readonly redirectUrls: URL[]
  readonly url: string
  readonly statusCode: number
  readonly statusMessage: string
  readonly headers: Record<string, string | string[] | undefined>
  readonly trailers: Record<string, string | string[] | undefined>
  readonly complete: boolean
}

export interface CrawleeAnswer<Kind extends keyof Bodies> extends Head {
  readonly request: never
  readonly body: Bodies[Kind]
}

export interface CrawleeStream extends Head {
  readonly request: never
  readonly stream: Readable
  readonly downloadProgress: { percent: number; transferred: number }
  readonly uploadProgress: { percent: number; transferred: number }
}

/**
 * Who crawls: one session; several, of which each entry of Crawlee's own session pool keeps one, in turn, as long as it lives;
 * or your own choice by that entry.
 */
export type CrawleeSessions = Session | readonly Session[] | ((entry: object | undefined) => Session)

export interface CrawleeOptions {
  /** Do not follow links that would sign out: `SignOutGuardedError`, and nothing is sent; default true. */
  readonly guardSignOut?: boolean
}

/**
 * Crawls as the session: `new CheerioCrawler({ httpClient: crawleeClient(session) })`. Cookies, identity, header rules and
 * egress are the session's, and what Crawlee would put in their place is left out. A 401 renews the session before Crawlee
 * sees it; one that Crawlee sees was not cured by that. For many accounts give their sessions. Nothing of a session is put
 * into Crawlee's pool, which is written to disk unsealed: answers come without their `Set-Cookie`.
 *
 * Throws `TypeError` for an empty list.
 */
export function crawleeClient(
  sessions: CrawleeSessions,
  { guardSignOut = true }: CrawleeOptions = {},
): CrawleeHttpClient {
  const sessionOf = chooser(sessions)
  const ask = async (request: CrawleeRequest): Promise<Response> => {
    if (request.proxyUrl !== undefined)
      throw new TypeError(
        'The egress belongs to the session: give the proxy to the vault, not to the crawler',
      )
    const { method = 'GET', body, signal, followRedirect } = request
    const session = sessionOf(request.sessionToken)
    if (guardSignOut && session.signsOut(request.url))
      throw new SignOutGuardedError(session.name, request.url)
    return session.fetch(request.url, {
      method: method.toUpperCase(),
      headers: written(request.headers),
      body: (body ?? null) as BodyInit | null,
      redirect: followRedirect === false ? 'manual' : 'follow',
      ...(signal !== undefined && { signal }),
    })
  }
  return {
    async sendRequest<Kind extends keyof Bodies = 'text'>(request: CrawleeRequest<Kind>) {
      const response = await ask(request)
      const raw = Buffer.from(await response.arrayBuffer())
      const kinds: { [K in keyof Bodies]: () => Bodies[K] } = {
        buffer: () => raw,
        text: () => raw.toString(),
        json: () => parsed(raw, request),
      }
      const body = kinds[request.responseType ?? ('text' as Kind)]()
      return { ...headOf(response, request, true), body, request: request as never }
    },
    async stream(request) {
      const response = await ask(request)
      const progress = { percent: 0, transferred: 0 }
      const stream = Readable.from(counted(response, progress), { objectMode: false })
      const head = headOf(response, request, false)
      const figures = { downloadProgress: progress, uploadProgress: { percent: 1, transferred: 0 } }
      return { ...head, ...figures, stream, request: request as never }
    },
  }
}

function parsed(raw: Buffer, { url }: CrawleeRequest): unknown {
  try {
    return JSON.parse(raw.toString()) as unknown
  } catch {
    throw new SyntaxError(`The answer to ${plainUrl(url)} is not JSON`) // JSON.parse would quote the body
  }
}

async function* counted(
  { body }: Response,
  progress: { percent: number; transferred: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    progress.transferred += chunk.byteLength
    yield chunk
  }
  progress.percent = 1
}

export function chooser(sessions: CrawleeSessions): (entry: object | undefined) => Session {
  if (typeof sessions === 'function') return sessions
  const all: readonly Session[] = Array.isArray(sessions) ? (sessions as Session[]) : [sessions as Session]
  const kept = new WeakMap<object, Session>()
  let given = 0
  const next = (): Session => {
    const session = all[given++ % all.length]
    if (session === undefined) throw new TypeError('No session to crawl with')
    return session
  }
  if (all.length === 0) next()
  return (entry) => {
    if (entry === undefined || all.length === 1) return next()
    const session = kept.get(entry) ?? next()
    kept.set(entry, session)
    return session
  }
}

/** What is the session's to say: Crawlee's own jar would bring back cookies that the session no longer has. */
const ofSession = new Set(['cookie', 'user-agent', 'accept-language', 'accept-encoding'])

function written(headers: CrawleeRequest['headers'] = {}): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    const key = name.toLowerCase()
    if (value === undefined || ofSession.has(key) || key.startsWith('sec-')) return []
    return [[name, typeof value === 'string' ? value : value.join(', ')]]
  })
}

function headOf(response: Response, { url }: CrawleeRequest, complete: boolean): Head {
  const headers: Record<string, string | string[] | undefined> = {}
  const isCoded = response.headers.has('content-encoding')
  for (const [name, value] of response.headers) {
    if (isCoded && (name === 'content-encoding' || name === 'content-length')) continue
    if (name !== 'set-cookie') headers[name] = value // it is at home already; Crawlee would write it to disk
  }
  const redirectUrls = response.redirected ? [new URL(response.url)] : []
  const { status: statusCode, statusText: statusMessage } = response
  return {
    ...{ redirectUrls, statusCode, statusMessage, headers, complete, trailers: {} },
    url: response.url === '' ? String(url) : response.url,
  }
}
