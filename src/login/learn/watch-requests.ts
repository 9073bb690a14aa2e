import type { BrowserContext, Request, Response } from 'playwright'
import { isOwnPage } from '../../bridge/context/own-pages.ts'
import { watchSharedWorkers, type WorkerRequest, type WorkerRequestNews } from './watch-shared-workers.ts'
import { openAnswers, type ObservedAnswer } from './watch-answers.ts'

/** One request as the browser really sent it. Lives in memory only, for learning: it holds secrets. */
export interface ObservedRequest {
  /** Position among all requests of the watch. */
  readonly sequence: number
  /** Unix milliseconds. */
  readonly at: number
  readonly method: string
  readonly url: string
  /** Playwright's: `document`, `fetch`, `xhr`, … */
  readonly resourceType: string
  /** Origin of the document or worker that made the request. */
  readonly pageOrigin: string | undefined
  /** A navigation of a page's main frame. */
  readonly topLevel: boolean
  /** This hop was reached by a redirect from another origin. */
  readonly crossedOrigins: boolean
  /** As sent, with the browser's spelling; provisional until the watch has settled. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Absent until answered. */
  readonly status?: number
  /** It got no answer and will get none. */
  readonly failed?: true
  readonly contentType?: string
  /** The client hints that the answer has asked for (`Accept-CH`). */
  readonly acceptCh?: string
  /** What was sent with it, where it is text of a moderate size. */
  readonly body?: string
  /** What may have brought something that later requests carry; comes a moment after the answer itself. */
  readonly answer?: ObservedAnswer
}

export interface RequestWatch {
  /** What has been seen up to now, oldest first. */
  readonly requests: readonly ObservedRequest[]
  /** Requests under way that may still matter: documents, scripts and what scripts ask for, without event streams. */
  readonly inFlight: number
  /** Unix ms of the last start or end of such a request. */
  readonly lastActivity: number
  /** Calls back after every start, answer and end; returns the function that ends it. */
  onActivity(listener: () => void): () => void
  /** Resolves when the headers of all requests up to now are known, at most after `within` ms (default 1,000). */
  settled(within?: number): Promise<void>
  /** Lets go of the context and gives what was seen. */
  stop(): readonly ObservedRequest[]
}

type Draft = { -readonly [Field in keyof ObservedRequest]: ObservedRequest[Field] }

const kept = 2_000
const longestUrl = 8_192
// Images, scripts, styles, fonts and media cannot carry a header that a page has made.
const carriers = new Set(['document', 'fetch', 'xhr', 'eventsource', 'other'])
const waitedFor = new Set(['document', 'script', 'fetch', 'xhr'])
// What is under way longer than this is a long poll, not a part of the login.
const longPoll = 5_000

/** Watches the requests of all pages, frames and workers of a context. Costs no interception: caches and workers work. */
export function watchRequests(context: BrowserContext): RequestWatch {
  const drafts = new Map<object, Draft>()
  const pending = new Set<Promise<unknown>>()
  const underWay = new Map<object, number>()
  const listeners = new Set<() => void>()
  const answers = openAnswers()
  let sequence = 0
  let lastActivity = Date.now()

  const active = (request: Request): void => {
    if (waitedFor.has(request.resourceType())) lastActivity = Date.now()
    for (const listener of [...listeners]) listener()
  }
  const onRequest = (request: Request): void => {
    if (isOwn(request)) return
    if (waitedFor.has(request.resourceType())) underWay.set(request, Date.now())
    if (carriers.has(request.resourceType()) && request.url().length <= longestUrl) {
      const draft = draftOf(request, sequence++)
      drafts.set(request, draft)
      if (drafts.size > kept) dropOldest(drafts)
      track(pending, readHeaders(request, draft))
      const body = textOf(request)
      if (body !== undefined) draft.body = body
    }
    active(request)
  }
  const onResponse = (response: Response): void => {
    const draft = drafts.get(response.request())
    if (draft !== undefined) {
      draft.status = response.status()
      const { 'content-type': contentType, 'accept-ch': acceptCh } = response.headers()
      if (contentType !== undefined) draft.contentType = contentType
      if (acceptCh !== undefined) draft.acceptCh = acceptCh
    }
    // Chromium never ends a fetch whose body the page does not read: its head is its end.
    if (response.request().resourceType() !== 'document') underWay.delete(response.request())
    active(response.request())
  }
  const onFinished = (request: Request): void => {
    const draft = drafts.get(request)
    if (draft !== undefined)
      track(
        pending,
        answers.read(request, draft).then((answer) => {
          if (answer !== undefined) draft.answer = answer
        }),
      )
    onEnd(request)
  }
  const onEnd = (request: Request): void => {
    const draft = drafts.get(request)
    if (draft !== undefined && request.failure() !== null) draft.failed = true
    underWay.delete(request)
    active(request)
  }
  const onWorkerRequest = (request: WorkerRequest): WorkerRequestNews => {
    const draft = workerDraft(request, sequence++)
    drafts.set(request, draft)
    if (drafts.size > kept) dropOldest(drafts)
    underWay.set(request, Date.now())
    const tell = (): void => {
      lastActivity = Date.now()
      for (const listener of [...listeners]) listener()
    }
    tell()
    return {
      answered(status, contentType) {
        draft.status = status
        if (contentType !== undefined) draft.contentType = contentType
        tell()
      },
      read(answer) {
        draft.answer = answer
      },
      ended() {
        underWay.delete(request)
        tell()
      },
    }
  }
  const stopWorkers = watchSharedWorkers(context, onWorkerRequest)
  context.on('request', onRequest)
  context.on('response', onResponse)
  context.on('requestfinished', onFinished)
  context.on('requestfailed', onEnd)
  return {
    get requests() {
      return [...drafts.values()]
    },
    get inFlight() {
      const now = Date.now()
      return [...underWay.values()].filter((since) => now - since < longPoll).length
    },
    get lastActivity() {
      return lastActivity
    },
    onActivity(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async settled(within = 1_000) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, within)
      })
      await Promise.race([Promise.all(pending), late])
      clearTimeout(timer)
    },
    stop() {
      context.off('request', onRequest)
      context.off('response', onResponse)
      context.off('requestfinished', onFinished)
      context.off('requestfailed', onEnd)
      stopWorkers()
      listeners.clear()
      return [...drafts.values()]
    },
  }
}

function workerDraft(request: WorkerRequest, sequence: number): Draft {
  const { url, method, headers, body, origin, crossedOrigins } = request
  return {
    ...{ sequence, at: Date.now(), method, url, crossedOrigins },
    ...{ resourceType: 'fetch', pageOrigin: origin, topLevel: false },
    headers: Object.entries(headers),
    ...(body !== undefined && body.length <= longestBody && { body }),
  }
}

function draftOf(request: Request, sequence: number): Draft {
  const url = request.url()
  const before = request.redirectedFrom()?.url()
  return {
    sequence,
    at: Date.now(),
    method: request.method(),
    url,
    resourceType: request.resourceType(),
    pageOrigin: pageOriginOf(request),
    topLevel: isTopLevel(request),
    crossedOrigins: before !== undefined && originOf(before) !== originOf(url),
    headers: Object.entries(request.headers()),
  }
}

const longestBody = 200_000

function textOf(request: Request): string | undefined {
  if (request.method() === 'GET' || request.method() === 'HEAD') return undefined
  const text = request.postData()
  return text === null || text.length > longestBody ? undefined : text
}

/** The headers that the network stack added (cookies among them) come a moment after the request itself. */
async function readHeaders(request: Request, draft: Draft): Promise<void> {
  const headers = await request.headersArray()
  draft.headers = headers.map(({ name, value }) => [name, value] as const)
}

function track(pending: Set<Promise<unknown>>, work: Promise<void>): void {
  // A page that is closed meanwhile cannot say more; what the request event said remains.
  const entry = work
    .catch(() => undefined)
    .finally(() => {
      pending.delete(entry)
    })
  pending.add(entry)
}

/** Made while we were reading storage, in a page of our own: no site has seen it. */
function isOwn(request: Request): boolean {
  try {
    return isOwnPage(request.frame().page())
  } catch {
    return false // a worker's request, or a navigation whose frame does not stand yet
  }
}

function pageOriginOf(request: Request): string | undefined {
  const worker = request.serviceWorker()
  if (worker !== null) return originOf(worker.url())
  try {
    return originOf(request.frame().url())
  } catch {
    return undefined // a navigation whose frame does not stand yet
  }
}

function isTopLevel(request: Request): boolean {
  if (!request.isNavigationRequest()) return false
  try {
    return request.frame().parentFrame() === null
  } catch {
    return true // Playwright has no frame yet for the first navigation of a new page
  }
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined
}

function dropOldest(drafts: Map<object, Draft>): void {
  for (const request of drafts.keys()) {
    drafts.delete(request)
    return
  }
}
