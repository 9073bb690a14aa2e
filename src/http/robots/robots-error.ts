import { type ErrorTier, plainUrl, SessionbridgeError } from '../../errors.ts'

/** The site's robots.txt does not let this address be asked for, or could not be read; nothing was sent. */
export class RobotsError extends SessionbridgeError {
  readonly code = 'robots-disallowed'
  /** Without query and fragment. */
  readonly url: string
  /** `unreachable`: the site could not say what it allows; that counts as no, and is asked again after a minute. */
  readonly reason: 'disallowed' | 'unreachable'
  constructor(url: URL, reason: 'disallowed' | 'unreachable', options?: ErrorOptions) {
    const place = plainUrl(url)
    super(
      reason === 'disallowed'
        ? `${place} was not asked for: the robots.txt of ${url.origin} does not allow it. Leave it out, or ask the site.`
        : `${place} was not asked for: the robots.txt of ${url.origin} could not be read, which counts as a no. Try again later.`,
      options,
    )
    this.url = place
    this.reason = reason
  }
  override get tier(): ErrorTier {
    return this.reason === 'unreachable' ? 'recoverable' : 'final'
  }
}
