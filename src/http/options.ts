import type { ConnectionOptions } from './tls.ts'

/** Settings of a session's HTTP clients. */
export interface HttpOptions extends ConnectionOptions {
  /** Milliseconds for a whole exchange, redirects and body included; default 30,000; 0 for no limit. */
  readonly timeout?: number
  /** Default 10. */
  readonly maxRedirects?: number
  /** Bytes of a body after decoding, for answers that are read whole; default 64 MiB. */
  readonly maxResponseBytes?: number
  /** Relative addresses are resolved against this. */
  readonly baseUrl?: string
}

export const defaultTimeout = 30_000
export const defaultMaxRedirects = 10
export const defaultMaxResponseBytes = 64 * 1024 * 1024

/** Every check that a target must pass before anything is sent. Misuse is a `TypeError`, without the URL's secrets. */
export function targetUrl(url: string | URL, baseUrl: string | undefined): URL {
  const target = parsed(url, baseUrl)
  if (target.protocol !== 'https:' && target.protocol !== 'http:')
    throw new TypeError(`Only http and https URLs can be requested, not ${target.protocol}`)
  if (target.username !== '' || target.password !== '')
    throw new TypeError('A URL must not hold a user name or password: put them into an Authorization header.')
  return target
}

function parsed(url: string | URL, baseUrl: string | undefined): URL {
  try {
    return new URL(url, baseUrl)
  } catch {
    throw new TypeError(
      baseUrl === undefined
        ? 'The URL is not absolute. Give the whole address, or set baseUrl.'
        : 'The URL cannot be parsed.',
    )
  }
}
