import { isHeaderName, isHeaderValue } from '../../http/rules/header-rules.ts'
import type { AnswerPlace, HeaderRule, PagePlace, RuleSource } from '../../state/header-rule.ts'
import { allowedOrigins } from '../allowed-origins.ts'

/** Where the value of a declared header stands. `origin` is by default that of the recipe's `url`; paths lead into JSON. */
export type DeclaredSource =
  /** A `*` in the name stands for a part that changes, and in `header` for the same. */
  | { readonly from: 'cookie'; readonly name: string; readonly domain?: string }
  /** A `*` in the key stands for any rest. */
  | {
      readonly from: 'localStorage' | 'sessionStorage'
      readonly key: string
      readonly path?: readonly string[]
      readonly origin?: string
    }
  /** Without `key`: the last record that has something at `path`. */
  | {
      readonly from: 'indexedDB'
      readonly database: string
      readonly store: string
      readonly key?: string | number
      readonly path?: readonly string[]
      readonly origin?: string
    }
  /** In a page of the site (`url` may begin with `/`), which is read over HTTP when it is needed. */
  | { readonly from: 'page'; readonly url: string; readonly at: PagePlace }
  /** In answers to requests for this URL, whoever sends them; without query. */
  | {
      readonly from: 'answer'
      readonly url: string
      readonly method?: string
      readonly at: AnswerPlace
    }
  /** As pages were last seen to send it. */
  | { readonly from: 'observed' }

/** A header, or a field of bodies, that requests of the session carry: said by the recipe instead of learned. */
export interface DeclaredHeader {
  /** Name of the header, or of the field. */
  readonly header: string
  /** `body`: a field of `form`, `json` and the like, where the caller has not written it. */
  readonly in?: 'body'
  /** Where it goes; default: the origin of the recipe's `url`. Only the recipe's own site and its `domains`. */
  readonly origins?: readonly string[]
  /** Only to these: `/api/` with all below, `/api` alone. */
  readonly paths?: readonly string[]
  /** `unsafe`: only with requests that are not GET, HEAD or OPTIONS; default `all`, for fields always `unsafe`. */
  readonly methods?: 'all' | 'unsafe'
  /** Text before the value, such as `Bearer `. */
  readonly prefix?: string
  /** `decoded`: the percent-decoded cookie value. */
  readonly encoding?: 'decoded'
  readonly source: DeclaredSource
}

export interface Declaring {
  readonly url: string
  readonly domains?: readonly string[]
  readonly headers?: readonly DeclaredHeader[]
}

const nothing: RuleSource = { from: 'observed', kept: '' }
const none: readonly HeaderRule[] = []
const known = new WeakMap<Declaring, readonly HeaderRule[]>()

/** The rules that a recipe declares. Throws `TypeError` that names what is wrong. */
export function declaredRules(recipe: Declaring): readonly HeaderRule[] {
  if (recipe.headers === undefined) return none
  let rules = known.get(recipe)
  if (rules === undefined) {
    rules = recipe.headers.map((declared, at) => ruleOf(recipe, declared, `headers[${String(at)}]`))
    known.set(recipe, rules)
  }
  return rules
}

const fields = new Set(['header', 'in', 'origins', 'paths', 'methods', 'prefix', 'encoding', 'source'])

function ruleOf(recipe: Declaring, declared: DeclaredHeader, where: string): HeaderRule {
  const must = (holds: boolean, field: string, expected: string): void => {
    if (!holds) throw new TypeError(`Recipe field "${where}${field}" must be ${expected}`)
  }
  must(isObject(declared), '', 'an object with header and source')
  for (const field of Object.keys(declared))
    must(fields.has(field), `.${field}`, `one of ${[...fields].join(', ')}`)
  const { header, in: place, origins = [recipe.url], paths, prefix = '', encoding } = declared
  const said: Record<string, unknown> = { ...declared }
  const isField = place === 'body'
  must(place === undefined || isField, '.in', '"body", or absent for a header')
  must(typeof header === 'string' && (isField ? header !== '' : isHeaderName(header)), '.header', 'its name')
  must(typeof prefix === 'string' && isHeaderValue(prefix), '.prefix', 'text that can stand in a header')
  must(Array.isArray(origins) && origins.every((origin) => isWebUrl(origin)), '.origins', 'a list of origins')
  must(paths === undefined || (Array.isArray(paths) && paths.every(isPath)), '.paths', 'a list of paths')
  const methods = declared.methods ?? (isField ? 'unsafe' : 'all')
  must(
    ['all', 'unsafe', undefined].includes(said['methods'] as string | undefined),
    '.methods',
    '"all" or "unsafe"',
  )
  must(
    [undefined, 'decoded'].includes(said['encoding'] as string | undefined),
    '.encoding',
    '"decoded", or absent',
  )
  const allowed = allowedOrigins(recipe)
  const targets = origins.map((origin) => new URL(origin).origin)
  must(
    targets.every((origin) => allowed.has(origin)),
    '.origins',
    `of ${allowed.list.join(', ')}; add others to the recipe's "domains"`,
  )
  must(isObject(declared.source), '.source', 'an object with "from"')
  const source = sourceOf(
    declared,
    recipe,
    `${isField ? `field ${header}` : header.toLowerCase()} ${targets[0] ?? ''}`,
  )
  must(source !== undefined, '.source', 'one of the kinds of docs/header-rules.md, complete')
  return Object.freeze({
    ...{ header, origins: targets, methods, prefix, source: source ?? nothing },
    ...(isField && { in: 'body' as const }),
    ...(paths !== undefined && { paths }),
    ...(encoding !== undefined && { encoding }),
  })
}

function sourceOf({ source }: DeclaredHeader, recipe: Declaring, kept: string): RuleSource | undefined {
  const home = new URL(recipe.url).origin
  switch (source.from) {
    case 'cookie':
      return isText(source.name) ? { ...source, ...dynamic(source.name) } : undefined
    case 'localStorage':
    case 'sessionStorage':
      return isText(source.key)
        ? {
            ...source,
            origin: originOf(source.origin) ?? home,
            path: source.path ?? [],
            ...dynamic(source.key),
          }
        : undefined
    case 'indexedDB': {
      const { key, path = [], origin, ...place } = source
      if (!isText(place.database) || !isText(place.store)) return undefined
      const named = key === undefined ? {} : { key: JSON.stringify(key) }
      return { ...place, ...named, path, origin: originOf(origin) ?? home }
    }
    case 'page':
      return isWebUrl(source.url, recipe.url) && isObject(source.at) && isText(source.at.name)
        ? { ...source, url: plainUrl(source.url, recipe.url), kept }
        : undefined
    case 'answer': {
      if (!isWebUrl(source.url, recipe.url) || !isObject(source.at)) return undefined
      const method = (source.method ?? 'GET').toUpperCase()
      return {
        ...source,
        url: plainUrl(source.url, recipe.url),
        method,
        kept,
        page: home,
        ...(method === 'GET' && { again: true }),
      }
    }
    case 'observed':
      return { from: 'observed', kept, page: home }
    default:
      return undefined
  }
}

function dynamic(name: string): { dynamic?: true } {
  return name.includes('*') ? { dynamic: true } : {}
}

function originOf(text: string | undefined): string | undefined {
  return text !== undefined && isWebUrl(text) ? new URL(text).origin : undefined
}

function plainUrl(text: string, base: string): string {
  const { origin, pathname } = new URL(text, base)
  return origin + pathname
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('/')
}

function isWebUrl(value: unknown, base?: string): boolean {
  if (typeof value !== 'string' || !URL.canParse(value, base)) return false
  return /^https?:$/.test(new URL(value, base).protocol)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
