import type { HttpOptions } from '../../http/client.ts'
import { createFetch } from '../../http/fetch.ts'
import { Cell } from '../../state/cell.ts'
import type { Identity } from '../../state/identity.ts'
import type { Report, ReportItem } from '../../state/report.ts'
import { isStandardHeader } from './standard-headers.ts'
import type { ObservedRequest } from './watch-requests.ts'

/**
 * True for a header that is made anew for each request with a key, so that sending what was once seen is of no use: proofs
 * of possession (RFC 9449), message signatures (RFC 9421 and its drafts), AWS Signature 4. By form; any case.
 */
export function isProof(name: string, value: string): boolean {
  switch (name.toLowerCase()) {
    case 'dpop':
      return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value)
    case 'signature':
    case 'signature-input':
      return true
    case 'authorization':
      return /^(?:Signature|AWS4-HMAC-SHA256|AWS4-ECDSA-P256-SHA256)\s/i.test(value)
    default:
      return false
  }
}

/**
 * What carries the session to an origin and cannot leave the browser: a report item for each, its `where` the origin. Besides
 * the known forms, a header is taken for a signature when its value was long and another one with each request while
 * the page keeps a key that cannot be read out. Pure.
 */
export function findUnportable(requests: readonly ObservedRequest[], captured: Report): ReportItem[] {
  const keyHolders = new Set(
    captured.filter(({ rule }) => rule?.includes('CryptoKey') === true).map(({ where }) => where),
  )
  const found = new Map<string, ReportItem>()
  const varying = new Map<string, Set<string>>()
  for (const { url, headers, crossedOrigins, pageOrigin } of requests) {
    if (crossedOrigins || !URL.canParse(url)) continue
    const { origin } = new URL(url)
    const holdsKey = pageOrigin !== undefined && keyHolders.has(pageOrigin)
    for (const [name, value] of headers) {
      if (carriesProof(name, value, headers)) add(found, name, origin, ruleOf(name))
      else if (holdsKey && value.length >= longEnough && !isStandardHeader(name) && !isProof(name, value)) {
        const key = `${name} ${origin}`
        const values = varying.get(key) ?? new Set()
        varying.set(key, values.add(value))
        if (values.size >= 3) add(found, name, origin, 'its value is another one with each request')
      }
    }
  }
  return [...found.values()]
}

/** Shorter ones are counters, times and ids. */
const longEnough = 40

/** The proof that goes to a token endpoint with nothing else carries nobody's session. */
function carriesProof(name: string, value: string, headers: ObservedRequest['headers']): boolean {
  if (!isProof(name, value)) return false
  if (name.toLowerCase() !== 'dpop') return true
  return headers.some(([other, token]) => other.toLowerCase() === 'authorization' && /^DPoP /i.test(token))
}

function ruleOf(name: string): string {
  return name.toLowerCase() === 'dpop' ? 'a proof of possession (RFC 9449)' : 'a signature of the request'
}

function add(found: Map<string, ReportItem>, name: string, where: string, what: string): void {
  const rule = `${what}, made with a key that stays in the browser: session.fetchInPage and session.browse reach it`
  found.set(`${name.toLowerCase()} ${where}`, { kind: 'header', name, where, reason: 'needs-browser', rule })
}

/**
 * Whether the page's own signed requests prove the login: one was answered well, and the same address refuses those who ask
 * without a signature. There is no other proof where only the page can ask.
 */
export async function isProvenByPage(
  requests: readonly ObservedRequest[],
  facts: {
    since: number
    origins: ReadonlySet<string>
    identity: Identity
    http: HttpOptions
    session: string
  },
): Promise<boolean> {
  const { session: name, identity, http, origins, since } = facts
  const welcome = requests.filter(
    ({ at, method, status = 0, url, resourceType }) =>
      at >= since &&
      method === 'GET' &&
      status >= 200 &&
      status < 300 &&
      (resourceType === 'fetch' || resourceType === 'xhr') &&
      origins.has(new URL(url).origin),
  )
  const urls = [...new Set(welcome.map(({ url }) => url))].slice(0, askedAtMost)
  const fetch = createFetch({ name, identity, headerRules: [], cell: new Cell() }, http)
  try {
    for (const url of urls) {
      const answer = await fetch(url, { redirect: 'manual' }).catch(() => undefined)
      await answer?.arrayBuffer().catch(() => undefined)
      if (answer?.status === 401 || answer?.status === 403) return true
    }
    return false
  } finally {
    await fetch.close()
  }
}

const askedAtMost = 3
