import type { ConnectionOptions } from '../http/wire/tls.ts'
import type { Logger } from '../observe/events.ts'
import type { Identity } from '../state/identity.ts'

/** In what a session is not like its login browser, and cannot be. Stable: programs may look for them in the log. */
export type NoticeCode =
  'identity-tls' | 'identity-zstd' | 'identity-http1' | 'identity-visit' | 'needs-browser'

const texts: Record<NoticeCode, string> = {
  'identity-tls':
    "the TLS handshake of session.http and session.fetch is Node's, not the browser's: a site that looks at it can tell (impitFetch comes nearer, session.browse is the browser)",
  'identity-zstd':
    'this Node cannot decode zstd, so it is not asked for as the browser did: Node 22.15 or newer can',
  'identity-http1': 'http.http2 is false: where the browser spoke HTTP/2, requests speak HTTP/1.1',
  'identity-visit':
    'the browser for visits is not the one that signed in: pages say what that one said, their workers and popups may show the difference',
  'needs-browser':
    'requests to these origins are signed with a key that cannot leave the browser: session.fetchInPage and session.browse reach them, session.http and session.fetch refuse',
}

/** Says each thing once in a session's life, at level info, with its code. */
export class Notices {
  readonly #logger: Logger
  readonly #session: string
  readonly #said = new Set<NoticeCode>()

  constructor(logger: Logger, session: string) {
    this.#logger = logger
    this.#session = session
  }

  say(code: NoticeCode, facts: object = {}): void {
    if (this.#said.has(code)) return
    this.#said.add(code)
    this.#logger.info({ session: this.#session, code, ...facts }, texts[code])
  }

  /** Of the session's own HTTP clients, when the first of them is made. */
  ofRequests(identity: Identity | undefined, { http2 }: ConnectionOptions = {}): void {
    if (identity === undefined) return
    this.say('identity-tls')
    const asked = identity.navigationHeaders.find(([name]) => name.toLowerCase() === 'accept-encoding')?.[1]
    if (asked?.includes('zstd') === true && process.versions.zstd === undefined) this.say('identity-zstd')
    if (http2 === false) this.say('identity-http1')
  }
}
