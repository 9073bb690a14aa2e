import { siteOf } from '../policy/public-suffix.ts'
import type { HeaderRule } from '../state/identity.ts'
import { isStandardHeader } from './learn/standard-headers.ts'
import type { ObservedRequest } from './learn/watch-requests.ts'

export interface CandidateFacts {
  /** The recipe's URL: candidates of its site come first. */
  readonly home: string
  readonly headerRules: readonly HeaderRule[]
  /** Unix ms. Earlier requests were made by nobody in particular. */
  readonly since: number
}

const atMost = 6

/**
 * URLs worth asking with and without the session, best first: reads that carried the session and were answered well;
 * of the login's own site before others, JSON before other script requests before documents, what a header rule
 * carries before what only cookies carry, "who am I" before the rest. Pure.
 */
export function probeCandidates(requests: readonly ObservedRequest[], facts: CandidateFacts): string[] {
  const site = siteOf(new URL(facts.home))
  const ranked = requests
    .filter((request) => request.at >= facts.since && isCandidate(request) && isPersonal(request))
    .map((request) => {
      const url = lastingUrl(request.url)
      const rank = [
        siteOf(url) === site ? 0 : 1,
        kindOf(request),
        isCarried(request, facts.headerRules) ? 0 : 1,
        selfLike.test(url.pathname) ? 0 : 1,
        request.sequence,
      ]
      return { url: url.href, rank }
    })
    .sort((a, b) => compare(a.rank, b.rank))
  return [...new Set(ranked.map(({ url }) => url))].slice(0, atMost)
}

// Asking these would end the session, or change something.
const harmful =
  /(log|sign)[-_.]?(out|off)|end[-_.]?session|disconnect|revoke|delete|destroy|remove|unsubscribe/i
// Answered once only, or not to be written down.
const oneTime =
  /^(code|state|ticket|nonce|.*token|sig|signature|saml.*|session.*|assertion|_|ts|timestamp|cb)$/i
// What scripts put at the end so that no cache answers, such as jQuery's `_=1700000000000`.
const cacheBuster = /^(_|_dc|t|ts|timestamp|cb|nocache|rand)$/i
const selfLike = /(^|\/)(me|user|users\/me|whoami|account|profile|session|userinfo)(\/|$|\.)/i

function isCandidate({ method, url, status, resourceType }: ObservedRequest): boolean {
  if (method !== 'GET' || status === undefined || status < 200 || status >= 300 || !URL.canParse(url))
    return false
  if (resourceType !== 'fetch' && resourceType !== 'xhr' && resourceType !== 'document') return false
  const { protocol, pathname, search, searchParams } = lastingUrl(url)
  if (protocol !== 'https:' && protocol !== 'http:') return false
  return !harmful.test(pathname + search) && ![...searchParams.keys()].some((field) => oneTime.test(field))
}

/** The address without what makes it another one each time. */
function lastingUrl(text: string): URL {
  const url = new URL(text)
  url.hash = ''
  for (const [field, value] of [...url.searchParams])
    if (cacheBuster.test(field) && /^(\d{9,16}|0\.\d+)$/.test(value)) url.searchParams.delete(field)
  return url
}

/** Sent with something that can carry a session. */
function isPersonal({ headers }: ObservedRequest): boolean {
  return headers.some(([name]) => name.toLowerCase() === 'cookie' || !isStandardHeader(name))
}

function isCarried(request: ObservedRequest, rules: readonly HeaderRule[]): boolean {
  const { origin } = new URL(request.url)
  const names = headerNames(request)
  return rules.some((rule) => rule.origins.includes(origin) && names.has(rule.header.toLowerCase()))
}

function headerNames(request: ObservedRequest): Set<string> {
  return new Set(request.headers.map(([name]) => name.toLowerCase()))
}

function kindOf({ resourceType, contentType }: ObservedRequest): number {
  if (resourceType === 'document') return 2
  return contentType?.includes('json') === true ? 0 : 1
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
