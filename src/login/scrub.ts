import { SessionbridgeError } from '../errors.ts'

/**
 * Takes secrets out of what is said about a login. Playwright prints the value of a failed `fill()` in its call log,
 * previews elements with their `value` attributes (cut off, so that no search for the whole secret finds them), and
 * quotes URLs with their queries.
 */
export class Scrubber {
  readonly #secrets = new Set<string>()

  /** Remembers a secret in the forms in which it may turn up. */
  add(secret: string): void {
    if (secret === '') return
    const forms = [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      new URLSearchParams([['', secret]]).toString().slice(1),
      escapeHtml(secret),
      Buffer.from(secret).toString('base64'),
    ]
    for (const form of forms) this.#secrets.add(form)
  }

  text(text: string): string {
    let clean = text
    // Longest first: a password that begins with the user name must not leave its tail behind.
    for (const secret of [...this.#secrets].sort((a, b) => b.length - a.length)) {
      clean = clean.replaceAll(secret, '[secret]')
    }
    return clean
      .replace(ansiCodes, '')
      .replace(/<([a-zA-Z][\w-]*)\s[^\n]*>/g, '<$1 …>')
      .replace(/\b(https?:\/\/)[^\s"'<>/?#@]*@/g, '$1')
      .replace(/\b(https?:\/\/[^\s"'<>?#]+)[?#][^\s"'<>]*/g, '$1')
  }

  /**
   * An error that says the same without the secrets: rebuilt from scratch, so that no field of the original (such as
   * Playwright's `log`) comes along; causes likewise. Our own typed errors stay the same object.
   */
  error(error: unknown, depth = 0): Error {
    if (!(error instanceof Error)) return new Error(this.text(printed(error)))
    const cause = error.cause === undefined || depth >= 5 ? undefined : this.error(error.cause, depth + 1)
    const clean = error instanceof SessionbridgeError ? error : namedError(error)
    const stack = this.text(error.stack ?? '')
    clean.message = this.text(error.message)
    hide(clean, 'stack', stack)
    if (cause !== undefined) hide(clean, 'cause', cause)
    return clean
  }
}

const ansiCodes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')

function namedError(error: Error): Error {
  const clean = new Error()
  hide(clean, 'name', error.name)
  return clean
}

function hide(target: Error, field: string, value: unknown): void {
  Object.defineProperty(target, field, { value, enumerable: false, writable: true, configurable: true })
}

function printed(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  return `${typeof thrown} was thrown`
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
