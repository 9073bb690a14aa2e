import type { Dispatcher } from 'undici'
import type { Session } from '../session/session.ts'

/**
 * An undici `Dispatcher` that wears the session: for `request`, `stream` and `fetch` of undici, for Node's own
 * `fetch(url, { dispatcher })`, and for libraries that take one. Cookies, identity, header rules, renewal and errors are
 * those of `session.fetch`; bodies come decoded. What the caller writes wins, except undici's own name and defaults.
 * Closing it leaves the session open.
 */
export async function sessionDispatcher(session: Session): Promise<Dispatcher> {
  const { SessionDispatcher } = await import('./session-dispatcher.ts')
  // Composed with nothing: undici then turns handlers of its older form into the one that ours speaks.
  return new SessionDispatcher(session).compose(
    (dispatch) => (options, handler) => dispatch(options, handler),
  )
}
