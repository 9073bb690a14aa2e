import type { APIRequestContext, APIResponse } from 'playwright'
import { RedirectRefusedError, RequestFailedError, ResponseStatusError } from '../errors.ts'
import type { Session } from '../session/session.ts'

type FetchOptions = NonNullable<Parameters<APIRequestContext['fetch']>[1]>
type Asked = FetchOptions & { readonly method: string }
type Ask = (url: string, options?: FetchOptions) => Promise<APIResponse>

/** Playwright's request methods, as they are called in tests. */
export interface SessionRequestContext {
  readonly fetch: Ask
  readonly get: Ask
  readonly post: Ask
  readonly put: Ask
  readonly patch: Ask
  readonly delete: Ask
  readonly head: Ask
}

const mostRedirects = 20

/**
 * Requests by Playwright's own client, in a context of yours (`await request.newContext()`, with your proxy and certificates),
 * that wear the session: each hop gets the headers that belong to its own address, which `extraHTTPHeaders` and a storage
 * state cannot do, and what it sets goes into the session. After a 401 the probe is asked, and a dead session is renewed;
 * GET, HEAD and what has an `Idempotency-Key` is then sent once more. The context stays yours. Throws `RequestFailedError`,
 * `RedirectRefusedError` after too many redirects, `ResponseStatusError` with `failOnStatusCode`, and what a renewal throws.
 */
export function wearRequests(session: Session, context: APIRequestContext): SessionRequestContext {
  const ask = async (url: string, options: Asked): Promise<APIResponse> => {
    const answer = await follow(session, context, url, options)
    if (answer.status() !== 401 || (await session.check()) !== 'dead') return answer
    await session.renew()
    return mayRepeat(options) ? follow(session, context, url, options) : answer
  }
  const send: Ask = async (url, { failOnStatusCode, ...options } = {}) => {
    const method = (options.method ?? 'GET').toUpperCase()
    const answer = await ask(url, { ...options, method })
    // Not by Playwright: it would not let the 401 of a dead session be seen, and its message quotes the answer.
    if (failOnStatusCode === true && answer.status() >= 400)
      throw new ResponseStatusError(method, new URL(answer.url()), answer.status())
    return answer
  }
  const by =
    (method: string): Ask =>
    (url, options) =>
      send(url, { ...options, method })
  return {
    fetch: send,
    ...{ get: by('GET'), post: by('POST'), put: by('PUT'), patch: by('PATCH') },
    ...{ delete: by('DELETE'), head: by('HEAD') },
  }
}

function mayRepeat({ method, headers = {} }: Asked): boolean {
  if (isRead(method)) return true
  return Object.keys(headers).some((name) => name.toLowerCase() === 'idempotency-key')
}

async function follow(
  session: Session,
  context: APIRequestContext,
  first: string,
  options: Asked,
): Promise<APIResponse> {
  let url = new URL(first)
  let asked = options
  for (let hop = 0; ; hop++) {
    const answer = await sendOnce(session, context, url, asked)
    const most = options.maxRedirects ?? mostRedirects
    const target = most === 0 ? undefined : redirectTarget(answer, url)
    if (target === undefined) return answer
    if (hop >= most) throw new RedirectRefusedError(url, `there were ${String(hop)} before it`)
    const becomesGet = isReadNext(asked.method, answer.status())
    // A body, and what the caller has written, were for the place that was asked.
    if (!becomesGet && !isRead(asked.method) && target.origin !== url.origin) return answer
    if (url.protocol === 'https:' && target.protocol === 'http:') return answer
    const { timeout, ignoreHTTPSErrors } = options
    const rest = defined({ timeout, ignoreHTTPSErrors })
    if (becomesGet) asked = { ...rest, method: 'GET' }
    else if (target.origin !== url.origin) asked = { ...rest, method: asked.method }
    const { params: _, ...unasked } = asked // a part of the first address; a Location is whole
    asked = unasked
    url = target
  }
}

/** Where an answer leads to; what is no address for HTTP leads nowhere. */
function redirectTarget(answer: APIResponse, from: URL): URL | undefined {
  const location = answer.headers()['location']
  if (location === undefined || ![301, 302, 303, 307, 308].includes(answer.status())) return undefined
  if (!URL.canParse(location, from)) return undefined
  const target = new URL(location, from)
  target.username = target.password = ''
  return /^https?:$/.test(target.protocol) ? target : undefined
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** As the fetch specification has it (4.4, 12): a DELETE goes on as a DELETE. */
function isReadNext(method: string, status: number): boolean {
  return status === 303 ? !isRead(method) : method === 'POST' && (status === 301 || status === 302)
}

function defined<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

async function sendOnce(
  session: Session,
  context: APIRequestContext,
  url: URL,
  { headers = {}, ...options }: Asked,
): Promise<APIResponse> {
  const { epoch } = session
  const overridden = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  const own = session
    .headersFor(url, { method: options.method })
    .filter(([name]) => !overridden.has(name.toLowerCase()))
  // Without a Cookie header Playwright would send what its own jar has.
  const cookie = own.some(([name]) => name === 'Cookie') || overridden.has('cookie') ? {} : { Cookie: '' }
  const asked = {
    ...options,
    headers: { ...Object.fromEntries(own), ...cookie, ...headers },
    maxRedirects: 0,
  }
  const answer = await context.fetch(url.href, asked).catch((error: unknown) => {
    throw new RequestFailedError(options.method, url, reasonOf(error))
  })
  if (session.epoch === epoch)
    for (const { name, value } of answer.headersArray())
      if (name.toLowerCase() === 'set-cookie')
        await session.jar.setCookie(value, url.href, { ignoreError: true })
  return answer
}

/** Playwright's message quotes the request with all its headers: only the code, or that time was over, is taken over. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  if (/timeout|timed out/i.test(message)) return 'timeout'
  return (
    /\b(E[A-Z]{4,}|CERT_[A-Z_]+|[A-Z_]+_CERT[A-Z_]*)\b/.exec(message.split('\n')[0] ?? '')?.[0] ??
    'unknown reason'
  )
}
