import type { Carrier } from '../carrier.ts'
import type { Exchanged } from '../exchange.ts'
import type { DeadSigns } from './dead-signs.ts'
import { headerValue } from '../wire/wire.ts'

/** What is larger than this, and not read whole, is not waited for. */
export const glimpse = 64 * 1024

/** JSON above this many bytes is content; errors are short. */
const shortJson = 2_048

/** Statuses below 500 that may speak of a dead session, of a firewall, or of "later". */
const telling = new Set([400, 401, 403, 405, 408, 419, 425, 429, 440, 498])

/** Parts of the words that errors about a session are made of. One search each costs a tenth of a microsecond. */
const parts = ['uth', 'UTH', 'ogin', 'LOGIN', 'ogged', 'igned', 'xpired', 'XPIRED', 'nvalid', '401']

/**
 * Whether an answer deserves a closer look (`Course`), which is loaded when the first one does. Stands on the way of every
 * request: a few comparisons, and for pages and short JSON a search for some words.
 */
export function isSuspicious(carrier: Carrier, exchanged: Exchanged): boolean {
  if (carrier.revive === undefined && carrier.traffic === undefined) return false
  const { answer, hop, redirects } = exchanged
  const { statusCode, headers } = answer
  if (statusCode >= 400) return statusCode >= 500 || telling.has(statusCode)
  if (headers['cf-mitigated'] !== undefined || headers['x-amzn-waf-action'] !== undefined) return true
  if (carrier.revive === undefined || hop.anonymous) return false
  if (statusCode >= 300) return headers['location'] !== undefined
  if (redirects.length > 0 || carrier.deadSigns?.isDead !== undefined) return true
  return hop.method !== 'HEAD' && hasTellingBody(exchanged, carrier.deadSigns)
}

function hasTellingBody({ answer: { headers }, content }: Exchanged, signs?: DeadSigns): boolean {
  const type = headerValue(headers, 'content-type') ?? ''
  const isPage = type.startsWith('text/html')
  if (!isPage && !type.includes('json')) return false
  if (content === undefined) return isPage || isShort(headerValue(headers, 'content-length'))
  if (isPage)
    return content.includes('password') || content.includes('captcha') || isForNobody(content, signs)
  // First without its quote: Node looks for the first character, and JSON is full of quotes.
  if (content.length > shortJson) return content.includes('rrors"') && content.includes('"errors"')
  return parts.some((part) => content.includes(part))
}

function isShort(length: string | undefined): boolean {
  return length !== undefined && Number(length) <= shortJson
}

/** Searched for as text: it is a reason to ask the probe, and that is asked again after a while only. */
export function isForNobody(html: string | Buffer, signs: DeadSigns | undefined): boolean {
  if (signs?.marks === undefined) return false
  const { ofNobody, ofSomebody } = signs.marks
  return ofNobody.some((mark) => html.includes(mark)) && !ofSomebody.some((mark) => html.includes(mark))
}
