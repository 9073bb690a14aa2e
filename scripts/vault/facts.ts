import {
  forecast,
  sourceInWords,
  type HeaderRule,
  type Report,
  type SessionState,
  type Snapshot,
} from '../../src/index.ts'
import { printable } from '../terminal/screen.ts'

/** What may be said of a session: names, places, times; never a value. The shape of `show --json`. */
export interface SessionFacts {
  readonly name: string
  readonly epoch: number
  readonly generation: number
  readonly savedAt: string
  readonly verifiedAt: string | null
  readonly diesAt: string | null
  readonly because: string
  readonly carriedBy: readonly string[]
  readonly cookies: readonly CookieFacts[]
  readonly origins: readonly OriginFacts[]
  readonly headerRules: readonly RuleFacts[]
  readonly dropped: readonly {
    readonly kind: string
    readonly name: string
    readonly where: string
    readonly reason: string
    readonly rule: string | null
  }[]
  /** URL without query of the request that tells life from death. */
  readonly probe: string | null
  readonly userAgent: string | null
}

interface CookieFacts {
  readonly name: string
  readonly domain: string
  readonly path: string
  readonly expires: string | null
  readonly httpOnly: boolean
  readonly secure: boolean
  readonly sameSite: string | null
  readonly partition: string | null
}

interface OriginFacts {
  readonly origin: string
  readonly localStorage: readonly string[]
  readonly sessionStorage: readonly string[]
  readonly indexedDB: readonly string[]
}

interface RuleFacts {
  readonly header: string
  readonly origins: readonly string[]
  readonly methods: string
  /** Where in a request: `header`, or `body` for a field of forms and JSON. */
  readonly in: string
  /** Only below these; empty: everywhere on the origins. */
  readonly paths: readonly string[]
  readonly source: string
}

export function factsOf(snapshot: Snapshot): SessionFacts {
  const { state, headerRules, probe } = snapshot
  const { diesAt, because } = forecast(state, { headerRules })
  return {
    name: snapshot.name,
    epoch: snapshot.epoch,
    generation: snapshot.generation,
    savedAt: isoTime(snapshot.savedAt) ?? '',
    verifiedAt: isoTime(snapshot.verifiedAt),
    diesAt: isoTime(diesAt),
    because,
    carriedBy: carriedBy(state, headerRules),
    cookies: state.cookies.map((cookie) => ({
      name: cookie.name,
      domain: cookie.domain,
      path: cookie.path,
      expires: cookie.expires === -1 ? null : isoTime(cookie.expires * 1_000),
      httpOnly: cookie.httpOnly,
      secure: cookie.secure,
      sameSite: cookie.sameSite ?? null,
      partition: cookie.partitionKey ?? null,
    })),
    origins: state.origins.map(({ origin, localStorage, sessionStorage = [], indexedDB = [] }) => ({
      origin,
      localStorage: localStorage.map(({ name }) => name),
      sessionStorage: sessionStorage.map(({ name }) => name),
      indexedDB: indexedDB.map(({ name }) => name),
    })),
    headerRules: headerRules.map((rule) => ({
      header: rule.header,
      origins: rule.origins,
      methods: rule.methods,
      in: rule.in ?? 'header',
      paths: rule.paths ?? [],
      source: sourceInWords(rule.source),
    })),
    dropped: (snapshot.dropped ?? []).map(({ kind, name, where, reason, rule = null }) => ({
      kind,
      name,
      where,
      reason,
      rule,
    })),
    probe: probe === undefined ? null : withoutQuery(probe.url),
    userAgent: snapshot.identity?.userAgent ?? null,
  }
}

export interface Kept {
  readonly cookies: number
  readonly storageKeys: number
}

export function countKept(state: SessionState): Kept {
  const storageKeys = state.origins.map(
    ({ localStorage, sessionStorage = [], indexedDB = [] }) =>
      localStorage.length + sessionStorage.length + indexedDB.length,
  )
  return { cookies: state.cookies.length, storageKeys: storageKeys.reduce((sum, count) => sum + count, 0) }
}

/** `4 cookies, 2 storage keys` */
export function keptInWords({ cookies, storageKeys }: Kept): string {
  return `${counted(cookies, 'cookie')}, ${counted(storageKeys, 'storage key')}`
}

/** `11 (9 tracker, 2 out of scope)`; what was cut and put back is named apart, since it is there. */
export function droppedInWords(report: Report): string {
  const gone = report.filter(({ reason }) => reason !== 'put-back')
  const back = report.length - gone.length
  const reasons = new Map<string, number>()
  for (const { reason } of gone) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  const words = [...reasons]
    .sort((a, b) => b[1] - a[1])
    .map(([reason, count]) => `${String(count)} ${reason.replaceAll('-', ' ')}`)
  const cut = gone.length === 0 ? 'nothing' : `${String(gone.length)} (${words.join(', ')})`
  return back === 0 ? cut : `${cut}, put back ${String(back)} that the session needs`
}

/**
 * What makes requests those of this session: header rules are known to, and cookies that scripts cannot read are
 * almost always there for nothing else; without any of those every cookie may be it.
 */
export function carriedBy(state: SessionState, rules: readonly HeaderRule[]): string[] {
  const httpOnly = state.cookies.filter((cookie) => cookie.httpOnly)
  const cookies = httpOnly.length > 0 || rules.length > 0 ? httpOnly : state.cookies
  const names = new Set(cookies.map(({ name }) => name))
  return [
    ...[...names].map((name) => `cookie ${name}`),
    ...rules.map(
      (rule) =>
        `${rule.in !== undefined ? 'field' : 'header'} ${rule.header} ← ${sourceInWords(rule.source)}`,
    ),
  ]
}

/** The first few, for one line on a terminal. */
export function carriedInWords(carriers: readonly string[]): string {
  const [first = 'nothing that we know of', ...rest] = carriers.slice(0, 6).map((text) => printable(text))
  const more = carriers.length > 6 ? [`${String(carriers.length - 6)} more`] : []
  return [first, ...rest, ...more].join(', ')
}

/** `dies 2026-12-20 09:14 (sid)`, in the terminal's time zone. */
export function deathInWords(facts: Pick<SessionFacts, 'diesAt' | 'because'>): string {
  const because = printable(facts.because)
  return facts.diesAt === null ? `no known end (${because})` : `dies ${localTime(facts.diesAt)} (${because})`
}

export function localTime(iso: string): string {
  const at = new Date(iso)
  const two = (value: number): string => String(value).padStart(2, '0')
  return (
    `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` +
    `${two(at.getHours())}:${two(at.getMinutes())}`
  )
}

export function isoTime(ms: number | undefined): string | null {
  // Beyond what a Date can hold: a cookie may say so.
  return ms === undefined || !Number.isFinite(ms) || Math.abs(ms) > 8.64e15
    ? null
    : new Date(ms).toISOString()
}

export function counted(count: number, thing: string): string {
  return `${String(count)} ${thing}${count === 1 ? '' : 's'}`
}

function withoutQuery(text: string): string {
  const url = new URL(text)
  return url.origin + url.pathname
}
