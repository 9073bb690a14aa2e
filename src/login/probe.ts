import { createHash } from 'node:crypto'
import type { Carrier } from '../http/carrier.ts'
import type { HttpOptions } from '../http/client.ts'
import { createFetch } from '../http/fetch.ts'
import { Cell } from '../state/cell.ts'
import { diffStates } from '../state/diff.ts'
import type { HeaderRule, Probe, ProbeAnswer } from '../state/identity.ts'
import { emptyState } from '../state/state.ts'
import { judgeMarks, marksOf, tellingMarks, type Marks } from './answer-marks.ts'
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
    const seen = await asker.ask(probe.url)
    const liveness = judge(probe, seen?.answer, seen?.marks())
    if (liveness !== 'dead') carrier.cell.merge(diffStates(before, asker.cell.state), 'probe')
    return liveness
  } finally {
    await asker.close()
  }
}

/** What an answer says about the session. Pure. */
export function judge(
  probe: Pick<Probe, 'alive' | 'dead'>,
  answer: ProbeAnswer | undefined,
  marks: Marks = new Set(),
): Liveness {
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
  if (hasMarks(probe)) return judgeMarks(marks, alive.marks ?? [], dead.marks ?? []) ?? 'unclear'
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
 * twice with the session and twice without. One that differs in status or redirect is taken at once. The fallback is one
 * that differs in its body only: by marks, which stay when the rest of a page changes, else by the body as a whole.
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
      const [mine, nobodys] = await Promise.all([askTwice(signedIn, url), askTwice(anonymous, url)])
      if (mine === undefined || nobodys === undefined || !isWelcome(mine.answer, nobodys.answer)) continue
      const [alive, dead] = [mine.answer, nobodys.answer]
      if (!isSameShape(alive, dead)) return { url, alive, dead }
      if (bodyCounts) fallback = better(fallback, byBody(url, mine, nobodys))
    }
    return fallback
  } finally {
    await Promise.all([signedIn.close(), anonymous.close()])
  }
}

/** By marks of both, or by the whole bodies where those without the session are equal. */
function byBody(url: string, mine: SeenTwice, nobodys: SeenTwice): Probe | undefined {
  const [alive, dead] = [mine.answer, nobodys.answer]
  const [myMarks, theirMarks] = [
    mine.seen.map(({ marks }) => marks()),
    nobodys.seen.map(({ marks }) => marks()),
  ]
  const marks = [tellingMarks(myMarks, theirMarks), tellingMarks(theirMarks, myMarks)] as const
  if (marks[0].length > 0 || marks[1].length > 0)
    return {
      url,
      alive: { ...withoutBody(alive), marks: marks[0] },
      dead: { ...withoutBody(dead), marks: marks[1] },
    }
  return dead.bodyHash !== undefined && alive.bodyHash !== dead.bodyHash ? { url, alive, dead } : undefined
}

function better(first: Probe | undefined, second: Probe | undefined): Probe | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return !hasMarks(first) && hasMarks(second) ? second : first
}

function hasMarks({ alive, dead }: Pick<Probe, 'alive' | 'dead'>): boolean {
  return alive.marks !== undefined || dead.marks !== undefined
}

/** Answered well; or sent on from where the others may stay, as from a login page. */
function isWelcome(alive: ProbeAnswer, dead: ProbeAnswer): boolean {
  return alive.status < 300 || (alive.status < 400 && dead.status < 300)
}

interface Seen {
  readonly answer: ProbeAnswer
  /** Read when they are asked for: most probes differ in their status. */
  readonly marks: () => Marks
}

interface SeenTwice {
  /** What the two have in common. */
  readonly answer: ProbeAnswer
  readonly seen: readonly Seen[]
}

interface Asker {
  readonly cell: Cell
  ask(url: string): Promise<Seen | undefined>
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

async function answerOf(response: Response, url: string): Promise<Seen | undefined> {
  const body = Buffer.from(await response.arrayBuffer())
  if (await isBlocked(response, body)) return undefined
  const location = response.headers.get('location')
  const contentType = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  const answer = {
    status: response.status,
    ...(location !== null && URL.canParse(location, url) && { location: new URL(location, url).pathname }),
    ...(contentType !== undefined && { contentType }),
    bodyHash: createHash('sha256').update(body).digest('base64url'),
  }
  return { answer, marks: () => marksOf(contentType, body.toString()) }
}

/** A firewall or a challenge answers the living and the dead alike. */
async function isBlocked(response: Response, body: Buffer): Promise<boolean> {
  const { status, headers, url } = response
  if (status < 400 && !headers.has('cf-mitigated') && !headers.has('x-amzn-waf-action')) return false
  const { blockOf } = await import('../http/trouble/block-signs.ts')
  return blockOf({ status, url, headers: Object.fromEntries(headers), text: body.toString() }) !== undefined
}

/** Two answers in a row; `undefined` when they are not of one kind or say nothing. */
async function askTwice(asker: Asker, url: string): Promise<SeenTwice | undefined> {
  const first = await asker.ask(url)
  if (first === undefined || isNoAnswer(first.answer)) return undefined
  const second = await asker.ask(url)
  if (second === undefined || !isSameShape(first.answer, second.answer)) return undefined
  const isSteady = first.answer.bodyHash === second.answer.bodyHash
  return { answer: isSteady ? second.answer : withoutBody(second.answer), seen: [first, second] }
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
