import { Readable } from 'node:stream'
import type { BrowserContext, Page } from 'playwright'
import type { Session } from '../session/session.ts'
import type { Visit } from '../session/visit.ts'

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
 * Crawls as the session: `new CheerioCrawler({ httpClient: crawleeClient(session) })`. Cookies, identity, header rules and
 * egress are the session's, and what Crawlee would put in their place is left out. A 401 renews the session before Crawlee
 * sees it; one that Crawlee sees was not cured by that. For many accounts give a function from Crawlee's own session (an
 * entry of its pool) to yours. Nothing of a session is put into Crawlee's pool, which is written to disk unsealed.
 */
export function crawleeClient(
  session: Session | ((entry: object | undefined) => Session),
): CrawleeHttpClient {
  const sessionOf = (request: CrawleeRequest): Session =>
    typeof session === 'function' ? session(request.sessionToken) : session
  const ask = async (request: CrawleeRequest): Promise<Response> => {
    if (request.proxyUrl !== undefined)
      throw new TypeError(
        'The egress belongs to the session: give the proxy to the vault, not to the crawler',
      )
    const { method = 'GET', body, signal, followRedirect } = request
    return sessionOf(request).fetch(request.url, {
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
        json: () => JSON.parse(raw.toString()) as unknown,
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
  for (const [name, value] of response.headers)
    if (!isCoded || (name !== 'content-encoding' && name !== 'content-length')) headers[name] = value
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) headers['set-cookie'] = cookies
  const redirectUrls = response.redirected ? [new URL(response.url)] : []
  const { status: statusCode, statusText: statusMessage } = response
  return {
    ...{ redirectUrls, statusCode, statusMessage, headers, complete, trailers: {} },
    url: response.url === '' ? String(url) : response.url,
  }
}

/**
 * Hooks for a PlaywrightCrawler whose pages have contexts of their own (`launchContext: { useIncognitoPages: true }`): pages
 * wear the session while they live, and what they change goes home.
 */
export function crawleePageHooks(session: Session): {
  readonly preNavigationHooks: ((crawling: { readonly page: Page }) => Promise<void>)[]
  readonly prePageCloseHooks: ((page: Page) => Promise<void>)[]
} {
  const visits = new Map<BrowserContext, Promise<Visit>>()
  return {
    preNavigationHooks: [
      async ({ page }) => {
        const context = page.context()
        const visit = visits.get(context) ?? session.attach(context)
        visits.set(context, visit)
        await visit
      },
    ],
    prePageCloseHooks: [
      async (page) => {
        const context = page.context()
        const visit = visits.get(context)
        if (visit === undefined || context.pages().length > 1) return
        visits.delete(context)
        await (await visit).end()
      },
    ],
  }
}
