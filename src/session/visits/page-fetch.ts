import { Readable } from 'node:stream'
import { callInPage } from '../../bridge/context/in-page/source.ts'
import {
  fetchInDocument,
  type DocumentAnswer,
  type DocumentRequest,
  type StorageRule,
} from '../../bridge/context/in-page/fetch-in-document.ts'
import { plainUrl, RequestFailedError, SessionbridgeError, TimedOutError } from '../../errors.ts'
import type { Carrier } from '../../http/carrier.ts'
import type { FetchRequest } from '../../http/fetch-request.ts'
import { fetchResponse } from '../../http/fetch-response.ts'
import { appliesTo, ruleHeaders } from '../../http/rules/header-rules.ts'
import { defaultMaxResponseBytes, type HttpOptions } from '../../http/options.ts'
import { NeedsBrowserError } from '../../http/trouble/traffic-errors.ts'
import { orAbort } from '../../login/quiet.ts'
import type { KeptPage } from './kept-page.ts'

/** What a page was answered. */
export type PageAnswer = Exclude<DocumentAnswer, { failed: string }>

export interface PageFetch {
  readonly carrier: Carrier
  readonly http: HttpOptions
  readonly kept: KeptPage
  /** The page holds newer tokens than the cell: it is not in step with it. */
  readonly isBound: boolean
  /** With a proof of possession by the page's key. */
  readonly isProven: boolean
  /** Aborts when the page is closed with its session. */
  readonly ended: AbortSignal
}

/** Of a `RequestFailedError`: the page was closed, or has gone elsewhere, while it was asked. */
export const pageGone = 'its page went away'

const defaultTimeout = 30_000

/**
 * Lets the page make one request with what its own scripts would have added. Throws `RequestFailedError`, `TimedOutError`,
 * `NeedsBrowserError` when the page's key is not found, what `ended` says, and the reason of the request's signal.
 */
export async function askInPage(work: PageFetch, asked: FetchRequest, body?: Buffer): Promise<PageAnswer> {
  const { http, kept, ended } = work
  const { timeout = defaultTimeout } = http
  const late = timeout === 0 ? [] : [AbortSignal.timeout(timeout)]
  const signal = AbortSignal.any([ended, ...late, ...(asked.signal ? [asked.signal] : [])])
  const running = kept.fetching(
    () => kept.page.evaluate<string>(callInPage(fetchInDocument, documentRequest(work, asked, body))),
    ended,
  )
  try {
    return answered(work, asked, JSON.parse(await orAbort(running, signal)) as DocumentAnswer)
  } catch (error) {
    ended.throwIfAborted()
    asked.signal?.throwIfAborted()
    if (signal.aborted) throw timedOut(asked, timeout)
    if (error instanceof SessionbridgeError) throw error
    // Playwright's message quotes what was evaluated, tokens included: neither it nor the error goes on.
    throw new RequestFailedError(asked.method, asked.url, pageGone)
  }
}

function documentRequest(work: PageFetch, asked: FetchRequest, body?: Buffer): DocumentRequest {
  const { carrier, http, kept, isBound, isProven } = work
  const { method, url, anonymous, written } = asked
  const { timeout = defaultTimeout, maxResponseBytes: longest = defaultMaxResponseBytes } = http
  const page = new URL(kept.page.url())
  const made = anonymous ? [] : ruleHeaders(carrier.headerRules, carrier.cell, method, url)
  const rules = anonymous || !isBound ? [] : storageRules(carrier, asked, page)
  const own = new Set(
    [...written, ...rules.map(({ header }) => [header] as const)].map(([name]) => lower(name)),
  )
  const added = made.filter(({ name }) => !own.has(lower(name)))
  const isCarried = page.origin === url.origin || made.length + rules.length > 0
  return {
    ...{ url: url.href, method, body: body?.toString('base64'), rules, longest },
    headers: [...added.map(({ name, value }) => [name, value] as const), ...written],
    redirect: asked.redirect === 'error' ? 'error' : 'follow',
    // Servers that go by a header seldom allow cookies of other origins: the browser would not show their answers.
    credentials: anonymous ? 'omit' : isCarried ? 'same-origin' : 'include',
    isProven: isProven && !anonymous && !own.has('dpop'),
    timeout: timeout === 0 ? 0x7fffffff : timeout,
  }
}

/** Headers that the page's own storage gives: what stands there is newer than what the login brought home. */
function storageRules({ headerRules }: Carrier, { method, url }: FetchRequest, page: URL): StorageRule[] {
  return headerRules
    .filter((rule) => rule.in === undefined && appliesTo(rule, method, url))
    .flatMap(({ header, prefix, source }) =>
      (source.from === 'localStorage' || source.from === 'sessionStorage') &&
      source.origin === page.origin &&
      source.dynamic === undefined
        ? [{ header, prefix, area: source.from, key: source.key, path: source.path }]
        : [],
    )
}

function answered({ carrier, http }: PageFetch, asked: FetchRequest, answer: DocumentAnswer): PageAnswer {
  if (!('failed' in answer)) return answer
  const { method, url } = asked
  switch (answer.failed) {
    case 'no-key':
      throw new NeedsBrowserError(
        carrier.name,
        method,
        url,
        'its key is where only the code of its page finds it',
      )
    case 'timed-out':
      throw timedOut(asked, http.timeout ?? defaultTimeout)
    case 'too-big':
      throw new RequestFailedError(method, url, 'its body is larger than maxResponseBytes')
    case 'refused':
      throw new RequestFailedError(method, url, refused)
  }
}

const refused = 'the page could not fetch it (the network, CORS, or its content security policy)'

function timedOut({ method, url }: FetchRequest, after: number): TimedOutError {
  return new TimedOutError(`${method} ${plainUrl(url)} in the page`, after)
}

function lower(name: string): string {
  return name.toLowerCase()
}

/** A page is given its bodies whole. */
export async function bytesOf(body: FetchRequest['body']): Promise<Buffer | undefined> {
  if (body === undefined) return undefined
  if (!(body instanceof Readable)) return Buffer.from(body)
  const chunks: Uint8Array[] = []
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export function responseOf({ method }: FetchRequest, answer: PageAnswer): Response {
  const { status, statusText, url, redirected, headers } = answer
  return fetchResponse({
    ...{ method, url, redirected, statusText, statusCode: status },
    headers: Object.fromEntries(headers.map(([name, value]) => [lower(name), value])),
    body: Buffer.from(answer.body, 'base64'),
  })
}
