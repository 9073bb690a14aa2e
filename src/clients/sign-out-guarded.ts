import { plainUrl, SessionbridgeError } from '../errors.ts'

/** A crawler was about to follow a link that would have ended the session; nothing was sent. */
export class SignOutGuardedError extends SessionbridgeError {
  readonly code = 'sign-out-guarded'
  readonly session: string
  /** Without query and fragment. */
  readonly url: string
  constructor(session: string, url: string | URL) {
    const place = plainUrl(url)
    super(
      `${place} was not asked for: it would sign ${session} out. Leave it out of the links that are followed, or pass ` +
        'guardSignOut: false.',
    )
    this.session = session
    this.url = place
  }
}
