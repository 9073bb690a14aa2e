/** A cookie. With `dynamic` the one `*` of its name stands for a part that changes with the login or the installation. */
export interface CookieSource {
  readonly from: 'cookie'
  readonly name: string
  readonly domain?: string
  readonly dynamic?: true
}

export interface StorageSource {
  readonly from: 'localStorage' | 'sessionStorage'
  readonly origin: string
  readonly key: string
  /** Path inside the item's JSON, empty when the item itself is the value. */
  readonly path: readonly string[]
  /** The one `*` of the key stands for any rest; of several items the last counts. */
  readonly dynamic?: true
}

export interface DatabaseSource {
  readonly from: 'indexedDB'
  readonly origin: string
  readonly database: string
  readonly store: string
  /** The record's key as JSON; absent: the last record that has something at `path`. */
  readonly key?: string
  /** Path inside the record's value, empty when the record itself is the value. */
  readonly path: readonly string[]
}

/** Where in an HTML page a value stands. */
export type PagePlace =
  /** `content` of the meta tag, `value` of the form field of that name. */
  | { readonly in: 'meta' | 'input'; readonly name: string }
  /** An attribute of any element, such as `data-csrf`. */
  | { readonly in: 'attribute'; readonly name: string }
  /** `name: "value"`, `"name": "value"`, `name = "value"` or `name("value")` in an inline script, after `variable` if given. */
  | { readonly in: 'script'; readonly name: string; readonly variable?: string }

/** Stands in a page of the site; a copy is kept in the state, and read again over HTTP when the site refuses it. */
export interface PageSource {
  readonly from: 'page'
  /** Without query. */
  readonly url: string
  readonly at: PagePlace
  readonly kept: string
}

/** Where in an answer a value stands: a path inside its JSON, or one of its headers. */
export type AnswerPlace = { readonly json: readonly string[] } | { readonly header: string }

/** Came with an answer and is held by pages in memory only; a copy is kept in the state, and follows such answers. */
export interface AnswerSource {
  readonly from: 'answer'
  /** Without query. */
  readonly url: string
  readonly method: string
  readonly at: AnswerPlace
  readonly kept: string
  /** Origin of the page or worker that sent it. */
  readonly page?: string
  /** Asking for it again by GET gives a new one. */
  readonly again?: true
}

/** Made by the page, or held where nobody else can look: kept as it was last seen on the wire. */
export interface ObservedSource {
  readonly from: 'observed'
  readonly kept: string
  readonly page?: string
}

/** Where the value of a header or field comes from. */
export type RuleSource =
  CookieSource | StorageSource | DatabaseSource | PageSource | AnswerSource | ObservedSource

/** Sources whose value stands nowhere in what the browser holds: a copy is kept in the state, under a name of ours. */
export type KeptSource = PageSource | AnswerSource | ObservedSource

/** "Header H to origins O is made from item I of the state." */
export interface HeaderRule {
  /** As the browser wrote it; for a body its field's name. The `*` of a dynamic source stands for the same here. */
  readonly header: string
  /** Absent: a header. `body`: a field of form and JSON bodies. `form`: one of forms only. */
  readonly in?: 'body' | 'form'
  /** The only origins it goes to: those where the page itself sent it, or by its own forms would. */
  readonly origins: readonly string[]
  /** Only to these (`coversPath`); absent: all paths of the origins. */
  readonly paths?: readonly string[]
  /** `all`, or only requests that are not GET, HEAD or OPTIONS (as CSRF headers are). */
  readonly methods: 'all' | 'unsafe'
  /** Text before the value, such as `Bearer `. */
  readonly prefix: string
  readonly source: RuleSource
  /** `decoded` when the page sends the percent-decoded cookie value. */
  readonly encoding?: 'decoded'
}

export function isKept(source: RuleSource): source is KeptSource {
  return source.from === 'page' || source.from === 'answer' || source.from === 'observed'
}

/** Names of what says who asks. */
export const saysWho = /auth|token|session|csrf|xsrf|api[-_]?key|access|nonce|credential|jwt/i

/**
 * A constant that a site's scripts add to what they ask, such as `X-Requested-With` or a version: it says nothing about who
 * asks, and makes servers answer as to a script, so it goes where a script asks only.
 */
export function isOfScripts({ source, header }: HeaderRule, value: string): boolean {
  const looksSecret = value.length >= 16 && /\d/.test(value) && /[a-z]/i.test(value)
  return source.from === 'observed' && !saysWho.test(header) && !looksSecret
}

/** What a person would call the source: the name of a cookie, an item, a database, or of what is kept of it. */
export function sourceName(source: RuleSource): string {
  if (source.from === 'cookie') return source.name
  if (source.from === 'indexedDB') return source.database
  return isKept(source) ? source.kept : source.key
}

/** Names and places only, never a value. */
export function sourceInWords(source: RuleSource): string {
  switch (source.from) {
    case 'cookie':
      return `cookie ${source.name}`
    case 'localStorage':
    case 'sessionStorage':
      return `${source.from} ${[source.key, ...source.path].join('.')}`
    case 'indexedDB':
      return `indexedDB ${[`${source.database}/${source.store}`, source.key, ...source.path].filter((part) => part !== undefined).join('.')}`
    case 'page':
      return `${source.at.in} ${source.at.name} of page ${source.url}`
    case 'answer':
      return `${'json' in source.at ? `JSON ${source.at.json.join('.')}` : `header ${source.at.header}`} of the answer to ${source.method} ${source.url}`
    case 'observed':
      return 'as last seen on the wire'
  }
}

/** Origin of the page whose script sends it, where the source tells. */
export function sourceOrigin(source: RuleSource): string | undefined {
  if (source.from === 'cookie') return undefined
  if (source.from === 'page') return new URL(source.url).origin
  return isKept(source) ? source.page : source.origin
}

/** `/a/` is all paths that begin so; `/a` is that path alone, and so is `=/a/`. */
export function coversPath(paths: readonly string[] | undefined, path: string): boolean {
  if (paths === undefined) return true
  return paths.some((one) => {
    if (one.startsWith('=')) return path === one.slice(1)
    return one.endsWith('/') ? path.startsWith(one) : path === one
  })
}
