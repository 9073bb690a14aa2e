import type { BrowserContext, CDPSession } from 'playwright'
import { browserContextId } from '../../bridge/context/context-id.ts'
import type { ObservedAnswer } from './watch-answers.ts'

/** A request of a shared worker, as Chromium tells it. */
export interface WorkerRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** Origin of the worker's script. */
  readonly origin: string
  readonly crossedOrigins: boolean
}

/** Tells the watch what became of a request. */
export interface WorkerRequestNews {
  answered(status: number, contentType: string | undefined): void
  read(answer: ObservedAnswer): void
  ended(): void
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: { readonly body?: string; readonly base64Encoded?: boolean }
}

const longest = 512_000

/**
 * Watches the shared workers of a context, of whose requests Playwright says nothing. Best effort: a worker is attached to
 * when Chromium tells of it, so what it asks for in its very first moment may go unseen; in other engines nothing is seen.
 * Gives the function that ends it.
 */
export function watchSharedWorkers(
  context: BrowserContext,
  onRequest: (request: WorkerRequest) => WorkerRequestNews,
): () => void {
  const browser = context.browser()
  if (browser?.browserType().name() !== 'chromium') return () => undefined
  let isOver = false
  const opening = browser.newBrowserCDPSession()
  const attach = async (): Promise<void> => {
    const session = await opening
    const workers = new Map<string, SharedWorker>()
    session.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => {
      workers.get(sessionId)?.hear(JSON.parse(message) as Message)
    })
    session.on('Target.targetCreated', ({ targetInfo }) => {
      const { type, targetId, url, browserContextId: id } = targetInfo
      const take = async (): Promise<void> => {
        if (type !== 'shared_worker' || id !== (await browserContextId(session, context))) return
        // Messages in messages: sessions of the flat kind belong to Playwright.
        const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false })
        const worker = new SharedWorker(session, sessionId, originOf(url), onRequest)
        workers.set(sessionId, worker)
        worker.listen()
      }
      take().catch(() => undefined) // it has ended already, or the browser has
    })
    if (!isOver)
      await session.send('Target.setDiscoverTargets', { discover: true, filter: [{ type: 'shared_worker' }] })
  }
  attach().catch(() => undefined)
  return () => {
    isOver = true
    opening.then((session) => session.detach()).catch(() => undefined)
  }
}

class SharedWorker {
  readonly #session: CDPSession
  readonly #id: string
  readonly #origin: string
  readonly #onRequest: (request: WorkerRequest) => WorkerRequestNews
  readonly #news = new Map<
    string,
    { news: WorkerRequestNews; url: string; headers?: ObservedAnswer['headers'] }
  >()
  readonly #bodies = new Map<number, string>()
  #next = 1

  constructor(
    session: CDPSession,
    id: string,
    origin: string,
    onRequest: (request: WorkerRequest) => WorkerRequestNews,
  ) {
    this.#session = session
    this.#id = id
    this.#origin = origin
    this.#onRequest = onRequest
  }

  listen(): void {
    this.#send('Network.enable')
  }

  hear({ id, method, params = {}, result }: Message): void {
    const key = typeof params['requestId'] === 'string' ? params['requestId'] : ''
    if (method === 'Network.requestWillBeSent') this.#sent(key, params as unknown as Sent)
    else if (method === 'Network.responseReceived') this.#answered(key, params as unknown as Received)
    else if (method === 'Network.loadingFinished') this.#finished(key)
    else if (method === 'Network.loadingFailed') this.#end(key)
    else if (id !== undefined) this.#read(id, result)
  }

  #sent(key: string, { request, redirectResponse }: Sent): void {
    const before = redirectResponse === undefined ? undefined : this.#news.get(key)
    before?.news.ended()
    const { url, method, headers, postData } = request
    const news = this.#onRequest({
      ...{ url, method, headers, body: postData, origin: this.#origin },
      crossedOrigins: before !== undefined && originOf(before.url) !== originOf(url),
    })
    this.#news.set(key, { news, url })
  }

  #answered(key: string, { response }: Received): void {
    const entry = this.#news.get(key)
    if (entry === undefined) return
    entry.news.answered(response.status, response.mimeType)
    if (/json/i.test(response.mimeType)) entry.headers = Object.entries(response.headers)
  }

  #finished(key: string): void {
    const entry = this.#news.get(key)
    if (entry?.headers === undefined) this.#end(key)
    else this.#bodies.set(this.#send('Network.getResponseBody', { requestId: key }), key)
  }

  #read(id: number, result: Message['result']): void {
    const key = this.#bodies.get(id)
    if (key === undefined) return
    this.#bodies.delete(id)
    const entry = this.#news.get(key)
    const { body, base64Encoded } = result ?? {}
    const text = base64Encoded === true ? Buffer.from(body ?? '', 'base64').toString('utf8') : body
    if (text !== undefined && text.length <= longest) entry?.news.read({ headers: entry.headers ?? [], text })
    this.#end(key)
  }

  #end(key: string): void {
    this.#news.get(key)?.news.ended()
    this.#news.delete(key)
  }

  #send(method: string, params: object = {}): number {
    const id = this.#next++
    const message = JSON.stringify({ id, method, params })
    this.#session.send('Target.sendMessageToTarget', { sessionId: this.#id, message }).catch(() => undefined)
    return id
  }
}

interface Sent {
  readonly request: {
    readonly url: string
    readonly method: string
    readonly headers: Record<string, string>
    readonly postData?: string
  }
  readonly redirectResponse?: unknown
}

interface Received {
  readonly response: {
    readonly status: number
    readonly mimeType: string
    readonly headers: Record<string, string>
  }
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'null'
}
