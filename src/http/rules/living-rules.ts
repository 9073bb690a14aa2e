import { plainUrl, SessionbridgeError } from '../../errors.ts'
import { steadyNow } from '../../observe/clock.ts'
import type { Cell } from '../../state/cell.ts'
import type { AnswerSource, HeaderRule, PageSource } from '../../state/header-rule.ts'
import { keepValues, keptValue } from '../../state/kept-values.ts'
import { valueAtPath } from '../../state/record-value.ts'
import { fillFields } from './body-fields.ts'
import type { Carrier } from '../carrier.ts'
import { Deadline } from '../deadline.ts'
import type { Exchange, ExchangeRequest } from '../exchange.ts'
import { appliesTo } from './header-rules.ts'
import { firstHop } from '../headers/headers-for.ts'
import type { Hop } from '../hop.ts'
import type { Living } from './living.ts'
import { defaultMaxRedirects, defaultTimeout } from '../options.ts'
import { valueInPage } from './page-values.ts'
import { beginningOf } from '../trouble/glimpse.ts'
import { headerValue, type WireAnswer } from '../wire/wire.ts'

/** An answer with its body, if all of it was read. */
export interface ReadAnswer {
  readonly answer: WireAnswer
  readonly content: Buffer | undefined
}

/** Asks for a page or an endpoint of the site in the session's name; what it brings is taken home. */
type AskAgain = (url: URL, kind: 'navigation' | 'fetch') => Promise<void>

interface Asking {
  readonly ask: AskAgain
  /** As long as the request that needs it may; rejects when that is called off. */
  readonly wait: (work: Promise<unknown>) => Promise<unknown>
}

type Source = PageSource | AnswerSource

interface LivingRule extends HeaderRule {
  readonly source: Source
}

/** What was re-read and is no other is not asked for again so soon, ms. */
const restsFor = 10_000
/** For the words of a refusal, ms. */
const wordsWithin = 1_000

/** Answers that may say that a nonce, a CSRF value or a short-lived token is over. */
const refusals = new Set([400, 401, 403, 419, 422, 440, 498])
/** Words of an answer that refuses a forged form: nothing was done then. */
const forgeryWords =
  /csrf|xsrf|forgery|authenticity.?token|invalid.?nonce|nonce.{0,20}(?:invalid|expired)|page.?(?:has.?)?expired|token.?mismatch|(?:invalid|expired|missing).{0,12}(?:form|request).?token/i

interface Refused {
  readonly hop: Hop
  readonly answer: WireAnswer
  /** Fields of ours were in its body. */
  readonly isFilled: boolean
  /** By the name under which it is kept. */
  readonly sent: ReadonlyMap<string, string | undefined>
  readonly mayRepeat: boolean
}

interface Reading {
  readonly done: Promise<void>
  /** Steady ms; while it is under way, and after one that has brought nothing new. */
  restsUntil: number
}

/** Re-readings under way, and those in vain, by session: all its clients share them. */
const readings = new WeakMap<Cell, Map<string, Reading>>()

const byRules = new WeakMap<readonly HeaderRule[], LivingRules>()

/** What `Living` says, for one request. */
export function openLiving(
  carrier: Carrier,
  request: ExchangeRequest,
  deadline: Deadline,
  exchange: Exchange,
): Living {
  const { cell, headerRules } = carrier
  let rules = byRules.get(headerRules)
  if (rules?.cell !== cell) byRules.set(headerRules, (rules = new LivingRules(cell, headerRules)))
  const living = rules
  let carried: ReadonlyMap<string, string | undefined> = new Map()
  let isRepeated = false
  let isFilled = false
  const takesFields = (hop: Hop): boolean => request.fields === true && hop.body === 'bytes'

  /** One GET, as the page was asked for at the login; a redirect leads elsewhere, as to a login page, whose values are not ours. */
  const read: AskAgain = async (url, kind) => {
    const hop = firstHop(carrier, { method: 'GET', url, written: [], body: 'none', kind })
    // Of its own: others wait for it, too, and whoever began it may be called off.
    const limit = new Deadline(defaultTimeout, () => `GET ${plainUrl(url)}`)
    try {
      const exchanged = await exchange(
        {
          ...{ method: 'GET', url, first: () => hop, body: undefined, redirect: 'follow', mayRepeat: true },
          ...{ maxRedirects: defaultMaxRedirects, retries: 0, whole: 'success', reading: true },
        },
        limit,
      )
      if (exchanged.content === undefined) exchanged.answer.body.discard()
      else if (exchanged.redirects.length === 0) living.take(exchanged.hop, exchanged)
    } catch (error) {
      await told(carrier, error, url)
      throw error
    } finally {
      limit.end()
    }
  }
  const asking: Asking = { ask: read, wait: (work) => deadline.waitFor(work) }

  return {
    async prepare(hop) {
      if (hop.anonymous) return
      await living.prepare(hop, takesFields(hop), asking)
      carried = living.carried(hop, takesFields(hop))
    },
    filled(hop, body) {
      if (hop.anonymous || !takesFields(hop) || !(body instanceof Uint8Array)) return body
      const filled = living.fill(hop, body)
      isFilled = filled !== body
      return filled
    },
    async isOver(hop, answer) {
      if (hop.anonymous || isRepeated || carried.size === 0 || hop.body === 'stream') return false
      const attempt = { hop, answer, isFilled, sent: carried, mayRepeat: request.mayRepeat }
      try {
        isRepeated = await living.isOver(attempt, asking)
      } catch (error) {
        answer.body.discard()
        throw error
      }
      return isRepeated
    },
    wants: (hop, answer) => !hop.anonymous && living.wants(hop, answer),
    take(hop, read) {
      if (!hop.anonymous) living.take(hop, read)
    },
  }
}

/** It may have been the one that was to try whether the origin is back: without a word nobody else would. */
async function told({ traffic }: Carrier, error: unknown, url: URL): Promise<void> {
  const code = error instanceof SessionbridgeError ? error.code : undefined
  if (code === 'request-failed' || code === 'timed-out') await traffic?.failed(url)
  else if (code !== 'circuit-open' && code !== 'blocked') traffic?.gaveUp(url)
}

/** Rules whose value came over the wire and may come again: from pages and answers. Loaded by the first session that has one. */
class LivingRules {
  readonly cell: Cell
  readonly #rules: readonly LivingRule[]
  readonly #fields: readonly HeaderRule[]

  constructor(cell: Cell, rules: readonly HeaderRule[]) {
    this.cell = cell
    this.#rules = rules.filter(isLiving)
    this.#fields = rules.filter((rule) => rule.in !== undefined)
  }

  /** What is to be sent in the place of a body made of fields. */
  fill(hop: Hop, body: Uint8Array): Uint8Array {
    return fillFields(this.#fields, this.cell, hop, body)
  }

  /** Reads what a request is to carry and nobody has read yet. */
  async prepare(hop: Hop, takesFields: boolean, asking: Asking): Promise<void> {
    const missing = this.#used(hop, takesFields).filter(
      ({ source }) => keptValue(this.cell, source.kept) === undefined,
    )
    if (missing.length > 0) await this.#readAll(missing, asking)
  }

  /** The values that a request carries now, to be told from what stands there when it is refused. */
  carried(hop: Hop, takesFields: boolean): ReadonlyMap<string, string | undefined> {
    return new Map(
      this.#used(hop, takesFields).map(({ source }) => [source.kept, keptValue(this.cell, source.kept)]),
    )
  }

  /**
   * True: send it again, once. The site has refused a request with a value that can be had anew, it is another one by now,
   * and the request may be repeated: because it may anyway, or because the answer says that it was taken for a forgery.
   */
  async isOver({ hop, answer, isFilled, sent, mayRepeat }: Refused, asking: Asking): Promise<boolean> {
    if (!refusals.has(answer.statusCode)) return false
    const used = this.#used(hop, isFilled).filter(({ source }) => sent.has(source.kept))
    if (used.length === 0) return false
    const saysForgery = answer.statusCode === 419 || forgeryWords.test(await beginningOf(answer, wordsWithin))
    if (answer.statusCode === 400 && !saysForgery) return false
    const isSame = (rule: LivingRule): boolean =>
      keptValue(this.cell, rule.source.kept) === sent.get(rule.source.kept)
    if (used.every(isSame)) await this.#readAll(used, asking)
    return !used.every(isSame) && (mayRepeat || saysForgery)
  }

  /** Whether the answer has to be read because a value may stand in it. */
  wants({ method, url }: Hop, { headers, statusCode }: WireAnswer): boolean {
    if (statusCode >= 300 || headerValue(headers, 'content-type')?.includes('json') !== true) return false
    return this.#rules.some(
      ({ source }) => source.from === 'answer' && method === source.method && isAt(source.url, url),
    )
  }

  /** Takes home what an answer brings. */
  take(hop: Hop, read: ReadAnswer): void {
    if (read.answer.statusCode >= 300) return
    const values = new Map<string, string>()
    for (const rule of this.#rules) {
      const value = broughtBy(rule, hop, read)
      if (value !== undefined && value !== '') values.set(rule.source.kept, value)
    }
    if (values.size > 0) keepValues(this.cell, values, 'http')
  }

  #used(hop: Hop, takesFields: boolean): LivingRule[] {
    const isWritten = (rule: HeaderRule): boolean =>
      hop.written.some(([name]) => name.toLowerCase() === rule.header.toLowerCase())
    return this.#rules.filter(
      (rule) =>
        canBeRead(rule.source) &&
        appliesTo(rule, hop.method, hop.url) &&
        (rule.in !== undefined ? takesFields : !isWritten(rule)),
    )
  }

  async #readAll(rules: readonly LivingRule[], { ask, wait }: Asking): Promise<void> {
    await wait(Promise.all(rules.map((rule) => this.#read(rule, ask))))
  }

  /** What it brings is taken home as with any answer; one that fails leaves the answer that asked for it as it is. */
  #read({ source }: LivingRule, ask: AskAgain): Promise<void> {
    const all = readings.get(this.cell) ?? new Map<string, Reading>()
    readings.set(this.cell, all)
    const known = all.get(source.url)
    if (known !== undefined && steadyNow() < known.restsUntil) return known.done
    const before = this.#keptOf(source.url)
    const asked = ask(new URL(source.url), source.from === 'page' ? 'navigation' : 'fetch')
    const done = asked
      .catch(() => undefined)
      .then(() => {
        reading.restsUntil = this.#keptOf(source.url) === before ? steadyNow() + restsFor : 0
      })
    const reading: Reading = { done, restsUntil: Infinity }
    all.set(source.url, reading)
    return done
  }

  /** All that one address brings, to see whether it has brought anything new. */
  #keptOf(url: string): string {
    const there = this.#rules.filter(({ source }) => source.url === url)
    return there.map(({ source }) => keptValue(this.cell, source.kept) ?? '').join('\n')
  }
}

function isLiving(rule: HeaderRule): rule is LivingRule {
  return rule.source.from === 'page' || rule.source.from === 'answer'
}

function canBeRead(source: Source): boolean {
  return source.from === 'page' || source.again === true
}

function isAt(place: string, url: URL): boolean {
  return place === url.origin + url.pathname
}

/** A header may come with any answer of the origin; what stands in a body, with those of its address only. */
function broughtBy(
  { source, prefix }: LivingRule,
  { method, url }: Hop,
  read: ReadAnswer,
): string | undefined {
  const { answer, content } = read
  if (source.from === 'answer' && 'header' in source.at) {
    const value =
      new URL(source.url).origin === url.origin ? headerValue(answer.headers, source.at.header) : undefined
    return value?.startsWith(prefix) === true ? value.slice(prefix.length) : value
  }
  if (content === undefined || !isAt(source.url, url)) return undefined
  if (source.from === 'page')
    return method === 'GET' ? valueInPage(content.toString('utf8'), source.at) : undefined
  if (method !== source.method || !('json' in source.at)) return undefined
  try {
    const value = valueAtPath(JSON.parse(content.toString('utf8')), source.at.json)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined // not JSON this time
  }
}
