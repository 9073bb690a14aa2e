import { createHash } from 'node:crypto'
import type { Carrier } from '../http/carrier.ts'
import type { HttpOptions } from '../http/client.ts'
import { createFetch } from '../http/fetch.ts'
import { Cell } from '../state/cell.ts'
import { diffStates } from '../state/diff.ts'
import type { HeaderRule, Probe, ProbeAnswer } from '../state/identity.ts'
import { emptyState } from '../state/state.ts'
import { signedTransport } from './auth/signed.ts'

/** `unclear`: no answer, or one that says nothing about the session (5xx, 429). Never to be taken for `dead`. */
export type Liveness = 'alive' | 'dead' | 'unclear'

/** Longest wait for one answer to a probe, ms. */
const answersWithin = 10_000

/**
 * Asks the server whether it takes the session. Cookies that it sets on the way go into the carrier's cell, except
 * with the answer of a dead session: what a logout leaves behind must not overwrite what was logged in.
 */
export async function checkProbe(probe: Probe, carrier: Carrier, http: HttpOptions = {}): Promise<Liveness> {
  const before = carrier.cell.state
  const asker = openAsker(carrier, carrier.headerRules, new Cell(before, carrier.cell.epoch), http)
  try {
    const answer = await asker.ask(probe.url)
    const liveness = judge(probe, answer)
    if (liveness !== 'dead') carrier.cell.merge(diffStates(before, asker.cell.state), 'probe')
    return liveness
  } finally {
    await asker.close()
  }
}

/** What an answer says about the session. Pure. */
export function judge(probe: Pick<Probe, 'alive' | 'dead'>, answer: ProbeAnswer | undefined): Liveness {
  if (answer === undefined || isNoAnswer(answer)) return 'unclear'
  const { alive, dead } = probe
  if (!isSameShape(alive, dead)) {
    if (isSameShape(answer, alive)) return 'alive'
    if (isSameShape(answer, dead)) return 'dead'
    // Another kind of no than the one that was learned: 401 is definite, a redirect to where the dead are sent too.
    if (answer.status === 401) return 'dead'
    return answer.location !== undefined && answer.location === dead.location ? 'dead' : 'unclear'
  }
  if (!isSameShape(answer, alive)) return answer.status === 401 ? 'dead' : 'unclear'
  if (answer.bodyHash === dead.bodyHash) return 'dead'
  return alive.bodyHash === undefined || answer.bodyHash === alive.bodyHash ? 'alive' : 'unclear'
}

export interface LearnOptions {
  readonly http?: HttpOptions
  readonly signal?: AbortSignal
  /** Whether another body alone is proof; false: status or redirect must differ. Default true. */
  readonly bodyCounts?: boolean
}

/**
 * Finds a request whose answers with and without the session differ and are each stable: every candidate is asked
 * twice with the session and twice without. One that differs in status or redirect is taken at once; one that
 * differs in its body only is the fallback.
 */
export async function learnProbe(
  candidates: readonly string[],
  carrier: Carrier,
  { http = {}, signal, bodyCounts = true }: LearnOptions = {},
): Promise<Probe | undefined> {
  const signedIn = openAsker(carrier, carrier.headerRules, carrier.cell, http)
  const anonymous = openAsker(carrier, [], new Cell(emptyState), http)
  let fallback: Probe | undefined
  try {
    for (const url of candidates) {
      signal?.throwIfAborted()
      const [alive, dead] = await Promise.all([askTwice(signedIn, url), askTwice(anonymous, url)])
      if (alive === undefined || dead === undefined || !isWelcome(alive, dead)) continue
      if (!isSameShape(alive, dead)) return { url, alive, dead }
      if (bodyCounts && dead.bodyHash !== undefined && alive.bodyHash !== dead.bodyHash)
        fallback ??= { url, alive, dead }
    }
    return fallback
  } finally {
    await Promise.all([signedIn.close(), anonymous.close()])
  }
}

/** Answered well; or sent on from where the others may stay, as from a login page. */
function isWelcome(alive: ProbeAnswer, dead: ProbeAnswer): boolean {
  return alive.status < 300 || (alive.status < 400 && dead.status < 300)
}

interface Asker {
  readonly cell: Cell
  ask(url: string): Promise<ProbeAnswer | undefined>
  close(): Promise<void>
}

/** A client without renewal: a probe that found the session dead must not log in. */
function openAsker(
  { name, identity }: Carrier,
  headerRules: readonly HeaderRule[],
  cell: Cell,
  http: HttpOptions,
): Asker {
  const timeout = Math.min(
    http.timeout === undefined || http.timeout === 0 ? answersWithin : http.timeout,
    answersWithin,
  )
  const options = { ...http, timeout }
  const fetch = createFetch({ name, identity, headerRules, cell }, options, signedTransport(cell, options))
  return {
    cell,
    close: () => fetch.close(),
    async ask(url) {
      try {
        // The client's own limit ends with the head of the answer: a body that never comes must not hold the login.
        const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeout) })
        return await answerOf(response, url)
      } catch {
        return undefined // no connection, out of time, too big: nothing that speaks for or against the session
      }
    },
  }
}

async function answerOf(response: Response, url: string): Promise<ProbeAnswer | undefined> {
  const body = Buffer.from(await response.arrayBuffer())
  if (await isBlocked(response, body)) return undefined
  const location = response.headers.get('location')
  const contentType = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  return {
    status: response.status,
    ...(location !== null && URL.canParse(location, url) && { location: new URL(location, url).pathname }),
    ...(contentType !== undefined && { contentType }),
    bodyHash: createHash('sha256').update(body).digest('base64url'),
  }
}

/** A firewall or a challenge answers the living and the dead alike. */
async function isBlocked(response: Response, body: Buffer): Promise<boolean> {
  const { status, headers, url } = response
  if (status < 400 && !headers.has('cf-mitigated') && !headers.has('x-amzn-waf-action')) return false
  const { blockOf } = await import('../http/trouble/block-signs.ts')
  return blockOf({ status, url, headers: Object.fromEntries(headers), text: body.toString() }) !== undefined
}

/** What two answers in a row have in common; `undefined` when they are not of one kind or say nothing. */
async function askTwice(asker: Asker, url: string): Promise<ProbeAnswer | undefined> {
  const first = await asker.ask(url)
  if (first === undefined || isNoAnswer(first)) return undefined
  const second = await asker.ask(url)
  if (second === undefined || !isSameShape(first, second)) return undefined
  return first.bodyHash === second.bodyHash ? second : withoutBody(second)
}

/** For bodies that change from answer to answer. */
function withoutBody({ status, location, contentType }: ProbeAnswer): ProbeAnswer {
  return {
    status,
    ...(location !== undefined && { location }),
    ...(contentType !== undefined && { contentType }),
  }
}

function isSameShape(a: ProbeAnswer, b: ProbeAnswer): boolean {
  return a.status === b.status && a.location === b.location && a.contentType === b.contentType
}

function isNoAnswer({ status }: ProbeAnswer): boolean {
  return status >= 500 || status === 429 || status === 408
}
