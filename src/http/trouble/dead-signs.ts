import { isForNobody } from './suspicion.ts'
import { headerValue, type WireHeaders } from '../wire/wire.ts'

/** By what an answer gives a dead session away; each is only a reason to ask the probe, never proof. */
export interface DeadSigns {
  /** Where the site sends those who are not signed in: addresses, without query except that of the login page, or paths on any origin. */
  readonly pages: readonly string[]
  /** Names and paths that the site's pages hold for nobody only, and for somebody only: learned with the probe. */
  readonly marks?:
    { readonly ofNobody: readonly string[]; readonly ofSomebody: readonly string[] } | undefined
  /** Answered one way to somebody and another way to nobody, even where it is the login page. */
  readonly probe?: string | undefined
  /** The recipe's own; asked with every answer. */
  readonly isDead?: ((answer: SeenAnswer) => boolean) | undefined
}

/** An answer as the signs see it. */
export interface SeenAnswer {
  readonly status: number
  /** Where it comes from, after redirects. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: WireHeaders
  /** The body, or the part of it that has come by then: for streams and large bodies only the beginning. */
  readonly text: string
}

export interface Asked {
  readonly url: URL
  /** Where redirects led, followed or not. */
  readonly sentTo: readonly string[]
}

/** What in an answer looks like one to a dead session, in a few words. Pure. */
export function deadSign(seen: SeenAnswer, asked: Asked, signs: DeadSigns | undefined): string | undefined {
  if (seen.status === 401) return 'status 401'
  if (seen.status === 403) return 'status 403'
  if (seen.status === 419 || seen.status === 440 || seen.status === 498)
    return `status ${String(seen.status)}`
  if (signs?.isDead?.(seen) === true) return 'the recipe says so'
  if (signs !== undefined && isSentToLogin(asked, signs.pages)) return 'sent to the login page'
  const type = headerValue(seen.headers, 'content-type')?.toLowerCase() ?? ''
  if (seen.status < 300 && type.includes('html') && !isAskedForItself(asked.url, signs))
    return pageSign(seen.text, signs)
  if (type.includes('json') && jsonSign(seen.text)) return 'an error in its JSON'
  return undefined
}

/** True when a redirect led to where the dead are sent; who asks for that page himself wants it. */
export function isSentToLogin({ url, sentTo }: Asked, pages: readonly string[]): boolean {
  if (sentTo.length === 0 || pages.length === 0) return false
  return !isLoginPage(url, pages) && sentTo.some((place) => isLoginPage(place, pages))
}

function isLoginPage(place: string | URL, pages: readonly string[]): boolean {
  const { origin, pathname } = new URL(place)
  return pages.includes(pathname) || pages.includes(origin + pathname)
}

/** With a query of its own it may be any page of a site that has one address for all (`index.php?route=…`). */
function isAskedForItself(url: URL, signs: DeadSigns | undefined): boolean {
  if (signs === undefined || url.href === signs.probe) return false
  const { pages } = signs
  return (
    isLoginPage(url, pages) && (url.search === '' || pages.includes(url.origin + url.pathname + url.search))
  )
}

function pageSign(html: string, signs: DeadSigns | undefined): string | undefined {
  if (hasPasswordField(html)) return 'a page with a password field'
  return isForNobody(html, signs) ? 'a page as for nobody' : undefined
}

function hasPasswordField(html: string): boolean {
  return /<input\b[^>]{0,500}\btype\s*=\s*["']?password\b/i.test(html)
}

/** Words of errors that speak of who asks, without what stands between letters. */
const words =
  /unauthenticated|unauthori[sz]ed|notauthenticated|authenticationrequired|authrequired|not(?:logged|signed)in|(?:login|signin)(?:isrequired|required|needed)|please(?:log|sign)in|(?:session|token|jwt|credentials?)(?:has|is|was)?(?:expired|invalid|revoked|missing|notfound)|(?:expired|invalid|missing|no|revoked)(?:session|accesstoken|authtoken|token|jwt|credentials?)(?!\w{12})|(?:login|signin|access|auth)expired/

const fields = new Set([
  'error',
  'errors',
  'code',
  'errorcode',
  'errcode',
  'status',
  'statuscode',
  'reason',
  'message',
  'msg',
  'errormessage',
  'errordescription',
  'detail',
  'title',
  'type',
  'extensions',
  'classification',
  'name',
])

/** Error codes of JSON bodies and of GraphQL (`errors[].extensions.code`); text of the content itself does not count. */
function jsonSign(text: string): boolean {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return false
  }
  return saysSo(body, 0, false)
}

/**
 * `inError`: below a field that is called an error, where all fields speak of it. Outside, "status" or "name" are content,
 * except for the number 401.
 */
function saysSo(value: unknown, depth: number, inError: boolean): boolean {
  if (depth > 5 || typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return inError && value.slice(0, 20).some((item) => says(item, depth, true))
  const entries = Object.entries(value as Record<string, unknown>).slice(0, 50)
  const failed = inError || entries.some(([name, content]) => isFailure(plain(name), content))
  return entries.some(([name, content]) => {
    const field = plain(name)
    if (!fields.has(field)) return false
    return says(content, depth, failed || field.startsWith('err'), field)
  })
}

function says(value: unknown, depth: number, inError: boolean, field = ''): boolean {
  if (value === 401 || value === '401') return inError || field.endsWith('code') || field === 'status'
  if (typeof value === 'string') return inError && value.length <= 300 && words.test(plain(value))
  return saysSo(value, depth + 1, inError)
}

/** `{ success: false }` and the like: what stands beside it speaks of an error. */
function isFailure(field: string, content: unknown): boolean {
  if (content === false) return field === 'success' || field === 'ok' || field === 'authenticated'
  if (field === 'error')
    return content !== undefined && content !== null && content !== false && content !== ''
  return field === 'status' && (content === 'error' || content === 'fail' || content === 'failed')
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z]/g, '')
}
