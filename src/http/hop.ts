import type { HeaderPair } from './wire/wire.ts'

/**
 * `navigation`: an address was typed, a link followed, a form posted. `fetch`: a script of a page asked. Browsers tell them
 * apart in many headers.
 */
export type RequestKind = 'navigation' | 'fetch'

/** One request of an exchange, before it has headers. A redirect makes the next one out of the previous. */
export interface Hop {
  readonly method: string
  readonly url: URL
  readonly kind: RequestKind
  /** What the caller wrote. Wins over what we would send, and crosses to other origins only by an allow list. */
  readonly written: readonly HeaderPair[]
  /** Origin of the page that asks, or where the link or form stood; `undefined` for a typed address. */
  readonly initiator: string | undefined
  /** URL that a `Referer` is cut from; `undefined` for none. */
  readonly referrer: string | undefined
  readonly referrerPolicy: ReferrerPolicy
  /** Origins passed before this one, in order: `Sec-Fetch-Site` speaks of the whole way. */
  readonly passed: readonly string[]
  /** The `Origin` header has become `null`: a foreign origin sent us on to yet another one. */
  readonly tainted: boolean
  /** No cookies, no learned headers, nothing taken in. */
  readonly anonymous: boolean
  /** What the login browser does with cookies of other sites; `undefined` when it was not seen. */
  readonly thirdPartyCookies?: 'allowed' | 'blocked' | undefined
  /** A form has posted it, or led to it: then the browser tells caches on the way to ask anew. */
  readonly isFormPost?: boolean
  /** The same request once more, because the answer called a client hint critical. */
  readonly startedAgain?: boolean
  /** `stream` bodies can be sent once only. */
  readonly body: 'none' | 'bytes' | 'stream'
}

/**
 * What a redirect may ask for. Looser policies than the default (`unsafe-url` and the like) are read as the default:
 * they would carry a query to another origin.
 */
export type ReferrerPolicy =
  'no-referrer' | 'same-origin' | 'origin' | 'strict-origin' | 'strict-origin-when-cross-origin'

/** Methods that ask and do not change; may be sent again. */
export function isSafeMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

/** Whether a request may be sent twice: it changes nothing, or its maker says that a second time changes nothing more. */
export function mayRepeat(
  method: string,
  body: unknown,
  written: readonly HeaderPair[],
  idempotent: boolean | undefined,
): boolean {
  if (idempotent === false || !(body === undefined || body instanceof Uint8Array)) return false
  if (idempotent === true || isSafeMethod(method)) return true
  return written.some(([name]) => name.toLowerCase() === 'idempotency-key')
}
