import type { SessionFetch } from '../http/fetch.ts'
import type { SessionRequestInit } from '../http/fetch-request.ts'
import type { ConnectionOptions } from '../http/wire/tls.ts'
import type { Transport } from '../http/wire/wire.ts'
import type { Session } from '../session/session.ts'

/** What we need of an impit; it is no dependency of ours (docs/decisions/0008-clients.md). */
export interface ImpitInstance {
  fetch(
    url: string,
    init: {
      readonly method: never
      readonly headers: [string, string][]
      readonly body?: Uint8Array
      /** Known to impit 0.14 and later. */
      readonly redirect: 'manual'
    },
  ): Promise<ImpitAnswer>
}

export type ImpitClass<Options extends object> = new (options: Options & ImpitSettings) => ImpitInstance

export interface ImpitAnswer {
  readonly status: number
  readonly statusText: string
  readonly headers: Headers
  readonly url: string
  readonly body: ReadableStream<Uint8Array>
  bytes(): Promise<Uint8Array>
  abort(): void
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
 * Also takes an impit that you have made. Before its first request it is tried out on this machine's loopback, and that request
 * rejects with a `TypeError` when it follows redirects by itself, does not verify TLS, has a cookie jar or headers of its
 * own, or goes through a proxy: what it would send, and where to, would not be the session's to say.
 *
 * Throws `TypeError` when the vault's `http` has what impit cannot do: a `ca` or a `lookup`; for an instance also a proxy,
 * which it has to be made with.
 */
export function impitFetch<Options extends object>(
  session: Session,
  Impit: ImpitClass<Options>,
  options: Omit<Options, keyof ImpitSettings>,
): SessionFetch
export function impitFetch(session: Session, impit: ImpitInstance): SessionFetch
export function impitFetch<Options extends object>(
  session: Session,
  impit: ImpitClass<Options> | ImpitInstance,
  options?: Omit<Options, keyof ImpitSettings>,
): SessionFetch {
  if (typeof impit !== 'function') return triedOut(session, impit)
  return session.through(({ proxyUrl, ...rest }) => {
    assertPossible(rest)
    const settings: ImpitSettings = {
      followRedirects: false,
      ignoreTlsErrors: false,
      ...(proxyUrl !== undefined && { proxyUrl }),
    }
    return whenLoaded(new impit({ ...options, ...settings } as Options & ImpitSettings))
  })
}

function triedOut(session: Session, impit: ImpitInstance): SessionFetch {
  const fetch = session.through((connection) => {
    assertPossible(connection)
    return whenLoaded(impit)
  })
  let trial: Promise<void> | undefined
  let isFit = false
  const tryOut = async (): Promise<void> => {
    const { tryOutImpit } = await import('./impit-trial.ts')
    await tryOutImpit(impit)
    isFit = true
  }
  const fetchWhenFit = async (
    input: string | URL | Request,
    init?: SessionRequestInit,
  ): Promise<Response> => {
    if (!isFit) await (trial ??= tryOut())
    return fetch(input, init)
  }
  return Object.assign(fetchWhenFit, { close: () => fetch.close() })
}

function assertPossible({ ca, lookup, proxyUrl }: ConnectionOptions): void {
  for (const [name, value] of Object.entries({ ca, lookup }))
    if (value !== undefined) throw new TypeError(`impit cannot take the http option "${name}" of the vault`)
  if (proxyUrl !== undefined)
    throw new TypeError('The session has a proxy: give the class Impit, so that it can be made with it')
}

function whenLoaded(impit: ImpitInstance): Transport {
  let loaded: Transport | undefined
  let closed = false
  const load = async (): Promise<Transport> => {
    const { createImpitTransport } = await import('./impit-transport.ts')
    loaded ??= createImpitTransport(impit)
    if (closed) await loaded.close()
    return loaded
  }
  return {
    send: (request, cancellation) =>
      loaded?.send(request, cancellation) ?? load().then((wire) => wire.send(request, cancellation)),
    async close() {
      closed = true
      await loaded?.close()
    },
  }
}
