import { longestPage } from '../../http/rules/page-values.ts'
import type { HeaderRule, PagePlace } from '../../state/header-rule.ts'
import type { SessionState } from '../../state/state.ts'
import { readBase, readForms, readMeta, type HtmlForm } from '../html-forms.ts'
import { isFor } from './header-making.ts'
import type { ObservedRequest } from './watch-requests.ts'

/** Cookies that scripts send back in a header: Django, Tornado, Flask-JWT; Angular, axios, Laravel and Spring decode theirs. */
const cookieHeaders: readonly (readonly [cookie: string, header: string, encoding?: 'decoded'])[] = [
  ['csrftoken', 'X-CSRFToken'],
  ['XSRF-TOKEN', 'X-XSRF-TOKEN', 'decoded'],
  ['_xsrf', 'X-XSRFToken'],
  ['csrf_access_token', 'X-CSRF-TOKEN'],
]

/** Hidden fields that hold one value for all forms of a login; a nonce for one action alone is none. */
const sessionField =
  /^(?:csrfmiddlewaretoken|authenticity_token|_token|__RequestVerificationToken|_?csrf[-_]?token|_csrf|YII_CSRF_TOKEN|__csrf_magic|sectok|sesskey|form_key)$/i

const shortest = 8

export interface ByConvention {
  readonly rules: readonly HeaderRule[]
  /** By the name under which they are kept. */
  readonly kept: ReadonlyMap<string, string>
}

/**
 * What a page would send against forgery as soon as somebody used it, and has not sent yet: the hidden fields of its own forms,
 * and the headers that frameworks make of a cookie or a meta tag. Only for the page's own origin, only with what changes
 * something, fields in forms only; and nowhere where something of the kind was seen on the wire (`learned`).
 */
export function rulesByConvention(
  pages: readonly ObservedRequest[],
  state: SessionState,
  learned: readonly HeaderRule[],
): ByConvention {
  const rules: HeaderRule[] = []
  const kept = new Map<string, string>()
  const add = (rule: Omit<HeaderRule, 'methods' | 'prefix'>): boolean => {
    if ([...learned, ...rules].some((known) => isAlike(known, rule))) return false
    rules.push({ ...rule, methods: 'unsafe', prefix: '' })
    return true
  }
  for (const { url, text } of lastPages(pages)) {
    const { origin, hostname } = new URL(url)
    for (const [name, header, encoding] of cookieHeaders) {
      const cookie = state.cookies.find((one) => one.name === name && isFor(one.domain, hostname))
      if (cookie?.httpOnly !== false) continue
      const source = { from: 'cookie', name, domain: cookie.domain } as const
      add({ header, origins: [origin], source, ...(encoding !== undefined && { encoding }) })
    }
    for (const { header, field, at, value } of tokensIn(text, url)) {
      const name = field === true ? `field ${header} ${origin}` : `${header.toLowerCase()} ${origin}`
      const source = { from: 'page', url: url.replace(/[?#].*$/s, ''), at, kept: name } as const
      if (add({ header, ...(field === true && { in: 'form' }), origins: [origin], source }))
        kept.set(name, value)
    }
  }
  return { rules, kept }
}

/** Of a header against forgery one is enough for an origin; fields are told by their names. */
function isAlike(known: HeaderRule, rule: Omit<HeaderRule, 'methods' | 'prefix'>): boolean {
  if (!known.origins.some((origin) => rule.origins.includes(origin))) return false
  if ((known.in === undefined) !== (rule.in === undefined)) return false
  if (known.header.toLowerCase() === rule.header.toLowerCase()) return true
  return rule.in === undefined && /csrf|xsrf/i.test(known.header)
}

/** Newest first: what a page held yesterday may be over. */
function lastPages(requests: readonly ObservedRequest[]): { url: string; text: string }[] {
  return requests.toReversed().flatMap(({ topLevel, status = 0, url, answer }) => {
    const text = answer?.text
    const isPage = topLevel && status >= 200 && status < 300 && URL.canParse(url)
    return isPage && text !== undefined && text.length <= longestPage ? [{ url, text }] : []
  })
}

interface Token {
  readonly header: string
  /** Of forms. */
  readonly field?: boolean
  readonly at: PagePlace
  readonly value: string
}

/** The meta tags of Rails and Laravel, then the hidden fields of the page's own POST forms without a password. */
function tokensIn(html: string, url: string): Token[] {
  return [...metaTokens(html), ...fieldTokens(html, url)].filter(({ value }) => value.length >= shortest)
}

/** Rails has one value for each form, and in the head one for all. */
function metaTokens(html: string): Token[] {
  const value = readMeta(html, 'csrf-token') ?? ''
  const param = readMeta(html, 'csrf-param') ?? ''
  const at = { in: 'meta', name: 'csrf-token' } as const
  const header = { header: 'X-CSRF-Token', at, value }
  return sessionField.test(param) ? [header, { header: param, field: true, at, value }] : [header]
}

function fieldTokens(html: string, url: string): Token[] {
  const base = readBase(html, url)
  const { origin } = new URL(url)
  const isOwn = ({ action }: HtmlForm): boolean =>
    action === '' || (URL.canParse(action, base) && new URL(action, base).origin === origin)
  return readForms(html)
    .filter((form) => form.method === 'post' && !form.hasPassword && isOwn(form))
    .flatMap(({ hidden }) => hidden)
    .filter(([name]) => sessionField.test(name))
    .map(([name, value]) => ({ header: name, field: true, at: { in: 'input', name }, value }))
}
