import { BodyBuffer } from '../http/body-buffer.ts'
import type { SessionFetch } from '../http/fetch.ts'
import type { ConnectionOptions } from '../http/tls.ts'
import type { Cancellation, Transport, WireAnswer, WireHeaders, WireRequest } from '../http/wire.ts'
import type { Session } from '../session/session.ts'

/** What we need of impit's class; it is no dependency of ours (docs/decisions/0008-clients.md). */
export type ImpitClass<Options extends object> = new (options: Options & ImpitSettings) => {
  fetch(
    url: string,
    init: { method: never; headers: [string, string][]; body?: Uint8Array; signal: AbortSignal },
  ): Promise<ImpitAnswer>
}

interface ImpitAnswer {
  readonly status: number
  readonly statusText: string
  readonly headers: Headers
  readonly url: string
  readonly body: ReadableStream<Uint8Array>
}

/** Not the caller's to choose: redirects are followed by us, TLS is verified, and the egress is the session's. */
interface ImpitSettings {
  readonly followRedirects: false
  readonly ignoreTlsErrors: false
  readonly proxyUrl?: string
}

/**
 * `session.fetch` over impit, whose TLS handshake is nearer to a browser's: `impitFetch(session, Impit, { browser: 'chrome151' })`.
 * Choose the browser nearest to the session's user agent. Jar, identity, header rules, redirects, renewal and errors are
 * the session's; impit adds headers of its own browser where the session's identity names none. Ends with the session.
 *
 * Throws `TypeError` when the vault's `http` has what impit cannot do: a `ca` or a `lookup`.
 */
export function impitFetch<Options extends object>(
  session: Session,
  Impit: ImpitClass<Options>,
  options: Omit<Options, keyof ImpitSettings>,
): SessionFetch {
  return session.through((connection) => impitTransport(Impit, options, connection))
}

function impitTransport<Options extends object>(
  Impit: ImpitClass<Options>,
  options: Omit<Options, keyof ImpitSettings>,
  { ca, lookup, proxyUrl }: ConnectionOptions,
): Transport {
  for (const [name, value] of Object.entries({ ca, lookup }))
    if (value !== undefined) throw new TypeError(`impit cannot take the http option "${name}" of the vault`)
  const settings: ImpitSettings = {
    followRedirects: false,
    ignoreTlsErrors: false,
    ...(proxyUrl !== undefined && { proxyUrl }),
  }
  const impit = new Impit({ ...options, ...settings } as Options & ImpitSettings)
  const running = new Set<AbortController>()
  return {
    async send(request, cancellation) {
      const abort = new AbortController()
      running.add(abort)
      cancellation.onCancel((reason) => {
        abort.abort(reason)
      })
      try {
        const answer = await impit.fetch(request.url.href, {
          method: request.method as never,
          headers: pairsOf(request),
          ...(await bodyOf(request)),
          signal: abort.signal,
        })
        return wireAnswer(answer, abort, cancellation, () => running.delete(abort))
      } catch (error) {
        running.delete(abort)
        throw failure(error)
      }
    },
    close() {
      for (const abort of running) abort.abort(new Error('closed'))
      return Promise.resolve()
    },
  }
}

function pairsOf({ headers }: WireRequest): [string, string][] {
  return headers.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name, headers[at + 1] ?? '']] : [],
  )
}

async function bodyOf({ body }: WireRequest): Promise<{ body?: Uint8Array }> {
  if (body === undefined) return {}
  if (body instanceof Uint8Array) return { body }
  const chunks: Buffer[] = []
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk))
  return { body: Buffer.concat(chunks) }
}

function wireAnswer(
  answer: ImpitAnswer,
  abort: AbortController,
  cancellation: Cancellation,
  done: () => void,
): WireAnswer {
  const reader = answer.body.getReader()
  let wake: (() => void) | undefined
  let paused = false
  const body = new BodyBuffer({
    pause: () => {
      paused = true
    },
    resume: () => {
      paused = false
      wake?.()
    },
    abort: (reason) => {
      abort.abort(reason)
      body.fail(reason)
      wake?.()
    },
  })
  cancellation.onCancel((reason) => {
    abort.abort(reason)
    body.fail(reason)
    wake?.()
  })
  const pump = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      if (paused) await new Promise<void>((resolve) => (wake = resolve))
      const { done: ended, value } = await reader.read()
      if (ended) break
      body.push(Buffer.from(value))
    }
    body.end()
  }
  pump()
    .catch((error: unknown) => {
      body.fail(failure(error))
    })
    .finally(done)
  return { statusCode: answer.status, statusText: answer.statusText, headers: headersOf(answer), body }
}

/** impit has decoded the body: what spoke of its coding no longer holds. */
function headersOf({ headers }: ImpitAnswer): WireHeaders {
  const isCoded = headers.has('content-encoding')
  const result: Record<string, string | readonly string[]> = {}
  for (const [name, value] of headers)
    if (!isCoded || (name !== 'content-encoding' && name !== 'content-length')) result[name] = value
  const cookies = headers.getSetCookie()
  return cookies.length === 0 ? result : { ...result, 'set-cookie': cookies }
}

/** impit's messages quote addresses; its class names say what went wrong. */
function failure(error: unknown): Error {
  const name = error instanceof Error ? error.constructor.name : 'Error'
  return Object.assign(new Error('impit'), { code: /^\w{1,40}$/.test(name) ? name : 'Error' })
}
