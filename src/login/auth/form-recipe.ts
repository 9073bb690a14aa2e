import type { Recipe } from '../recipe.ts'
import { authRecipe, type AuthOptions } from './auth-recipe.ts'

export interface FormOptions extends Omit<AuthOptions, 'origins'> {
  /** The page with the form. */
  readonly url: string
  /** Names of the form's fields, and of the secrets that go into them, such as `{ user: 'email', pass: 'password' }`. */
  readonly fields: Readonly<Record<string, string>>
  /** What else to fill in or tick, such as `{ remember: 'on' }`; no secrets. */
  readonly values?: Readonly<Record<string, string>>
  /**
   * Where to send the fields as JSON, for pages whose script does that. Default: the form is sent as a browser would,
   * hidden fields (CSRF tokens) included.
   */
  readonly json?: string
  /**
   * A CSRF token in a header of the login request, and of every later one that changes something: read from a cookie, or from
   * the `content` of a meta tag of that name.
   */
  readonly csrf?: { readonly header: string; readonly cookie?: string; readonly meta?: string }
}

/** Signs in by a page's form over HTTP, without a browser. The session is the cookies that the answer sets. */
export function formAuth(options: FormOptions): Recipe {
  return authRecipe(options, ['fields', 'values', 'json', 'csrf'], {
    ...(options.json !== undefined && { places: [options.json] }),
    signIn: async (tools) => (await import('./form-login.ts')).signInByForm(tools, options),
  })
}
