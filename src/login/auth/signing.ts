import { Readable } from 'node:stream'
import {
  headerValues,
  type Cancellation,
  type Transport,
  type WireAnswer,
  type WireRequest,
} from '../../http/wire/wire.ts'
import type { Cell } from '../../state/cell.ts'
import { chooseChallenge, digestAuthorization, type DigestChallenge } from './digest.ts'
import { kept } from './kept.ts'
import { oauth1Authorization, type OAuth1Credentials } from './oauth1.ts'
import { queryMark, signatureMark, signingName } from './signed.ts'

/** How the requests of a session are signed, as it is kept. */
export type Signing = (
  | { readonly scheme: 'query'; readonly name: string; readonly value: string }
  | { readonly scheme: 'digest'; readonly username: string; readonly password: string }
  | ({ readonly scheme: 'oauth1' } & OAuth1Credentials)
) & {
  /** Those that signed requests may go to. */
  readonly origins: readonly string[]
}

export function writeSigning(signing: Signing): string {
  return Buffer.from(JSON.stringify(signing)).toString('base64url')
}

function readSigning(cell: Cell): Signing | undefined {
  const text = kept(cell, signingName)
  if (text === undefined) return undefined
  // Sealed by us: nobody else has written it. One from before there were origins signs nothing, and is renewed.
  const signing = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<Signing>
  return { origins: [], ...signing } as Signing
}

/** Signs what a header rule has marked, and sends the rest as it is. */
export function createSigning(wire: Transport, cell: Cell): Transport {
  const challenges = new Map<string, DigestChallenge>()
  return {
    async send(request, cancellation) {
      const at = markIn(request.headers)
      const signing = at === -1 ? undefined : readSigning(cell)
      if (signing?.origins.includes(request.url.origin) !== true)
        return wire.send(at === -1 ? request : unmarked(request, at), cancellation)
      if (signing.scheme === 'digest')
        return sendDigest({ wire, challenges, signing }, { request, at }, cancellation)
      return wire.send(signed(request, at, signing), cancellation)
    },
    close: () => wire.close(),
  }
}

/**
 * Only where a rule of ours puts it: a site may write the same word elsewhere, such as into a cookie without a name, whose
 * whole header is its value.
 */
function markIn(headers: WireRequest['headers']): number {
  return headers.findIndex(
    (value, at) =>
      at % 2 === 1 && value === signatureMark && marked.has(headers[at - 1]?.toLowerCase() ?? ''),
  )
}

const marked = new Set(['authorization', queryMark.toLowerCase()])

type Digesting = {
  readonly wire: Transport
  /** By origin; the count of uses is in them. */
  readonly challenges: Map<string, DigestChallenge>
  readonly signing: Signing & { readonly scheme: 'digest' }
}

/**
 * The last challenge of the origin is answered in advance. A 401 with another challenge says that the request was not
 * taken, whatever its method: it is sent once more, unless its body is a stream, which can be sent once only.
 */
async function sendDigest(
  { wire, challenges, signing }: Digesting,
  { request, at }: { readonly request: WireRequest; readonly at: number },
  cancellation: Cancellation,
): Promise<WireAnswer> {
  const { origin } = request.url
  const authorized = (challenge: DigestChallenge): WireRequest =>
    withHeader(request, at, digestAuthorization(challenge, signing, request))
  const known = challenges.get(origin)
  const answer = await wire.send(
    known === undefined ? unmarked(request, at) : authorized(known),
    cancellation,
  )
  const challenge =
    answer.statusCode === 401 ? chooseChallenge(headerValues(answer.headers, 'www-authenticate')) : undefined
  const isNews = challenge !== undefined && (known === undefined || challenge.nonce !== known.nonce)
  if (!isNews || request.body instanceof Readable) return answer
  challenges.set(origin, challenge)
  // Told not to be stale, the answer was wrong, not old: the same words again would count as another wrong password.
  if (known !== undefined && !challenge.stale && known.realm === challenge.realm && known.answered)
    return answer
  answer.body.discard()
  const second = await wire.send(authorized(challenge), cancellation)
  challenge.answered = second.statusCode === 401
  return second
}

function signed(
  request: WireRequest,
  at: number,
  signing: Exclude<Signing, { scheme: 'digest' }>,
): WireRequest {
  if (signing.scheme === 'oauth1') return withHeader(request, at, oauth1Authorization(signing, request))
  const url = new URL(request.url)
  // As a caller would write it: what was there stays as it is.
  const pair = `${encodeURIComponent(signing.name)}=${encodeURIComponent(signing.value)}`
  url.search = url.search === '' ? pair : `${url.search}&${pair}`
  return { ...unmarked(request, at), url }
}

function withHeader(request: WireRequest, at: number, value: string): WireRequest {
  return { ...request, headers: request.headers.with(at, value) }
}

function unmarked(request: WireRequest, at: number): WireRequest {
  return { ...request, headers: request.headers.toSpliced(at - 1, 2) }
}
