import { isKept, type HeaderRule } from '../state/header-rule.ts'
import { keptOrigin } from '../state/kept-values.ts'
import type { Report, ReportItem, ReportKind } from '../state/report.ts'
import type { SessionState } from '../state/state.ts'
import { whereOf } from './cookie-rules.ts'
import { namePatterns } from './name-patterns.ts'
import { findTracker } from './trackers.ts'

/** One thing that a state holds, and why the gate let it in. Names and places only, never a value. */
export interface KeptItem {
  readonly kind: ReportKind
  readonly name: string
  readonly where: string
  /** `carrier`: known to carry the session; `put-back`: it died without it; `protected`: somebody said so. */
  readonly why: 'carrier' | 'put-back' | 'protected' | 'in-scope'
  /** The rule in words, for people. */
  readonly rule: string
}

export interface ExplainFacts {
  readonly headerRules?: readonly HeaderRule[] | undefined
  /** As in `GatePolicy`. */
  readonly protect?: readonly string[] | undefined
  /** The gate's report: says what was put back. */
  readonly dropped?: Report | undefined
}

/** Says of each cookie, storage item and database of a state why it is kept. */
export function explainKept(state: SessionState, facts: ExplainFacts = {}): KeptItem[] {
  const why = reasonsOf(facts)
  const cookies = state.cookies.map((cookie) =>
    why({ kind: 'cookie', name: cookie.name, where: whereOf(cookie) }, cookie.httpOnly),
  )
  const stored = state.origins.flatMap(({ origin, localStorage, sessionStorage = [], indexedDB = [] }) =>
    (
      [
        ['localStorage', localStorage],
        ['sessionStorage', sessionStorage],
        ['indexedDB', indexedDB],
      ] as const
    ).flatMap(([kind, items]) => items.map(({ name }) => why({ kind, name, where: origin }, false))),
  )
  return [...cookies, ...stored]
}

type Place = Pick<ReportItem, 'kind' | 'name' | 'where'>

function reasonsOf({ headerRules = [], protect = [], dropped = [] }: ExplainFacts) {
  const isProtected = namePatterns(protect)
  const back = new Map(
    dropped.filter(({ reason }) => reason === 'put-back').map((item) => [keyOf(item), item.rule]),
  )
  return (place: Place, httpOnly: boolean): KeptItem => {
    const rules = headerRules.filter((rule) => isSource(rule, place))
    if (rules.length > 0) return { ...place, why: 'carrier', rule: madeFromIt(rules) }
    if (back.has(keyOf(place)))
      return { ...place, why: 'put-back', rule: back.get(keyOf(place)) ?? 'the session died without it' }
    if (isProtected(place.name))
      return { ...place, why: 'protected', rule: 'its name is on the protect list' }
    if (httpOnly)
      return {
        ...place,
        why: 'carrier',
        rule: 'HttpOnly: only the server reads it, so it is there for the server',
      }
    const tracker = findTracker(place.name)
    const rule =
      tracker === undefined
        ? 'of a site that the login touched, and of no tracker that is known'
        : `named like a tracker (${tracker.vendor}), and trackers were to be kept`
    return { ...place, why: 'in-scope', rule }
  }
}

function isSource({ source }: HeaderRule, { kind, name, where }: Place): boolean {
  if (source.from === 'cookie') return kind === 'cookie' && fits(source.name, source.dynamic, name)
  if (isKept(source)) return where === keptOrigin && name === source.kept
  if (kind !== source.from || where !== source.origin) return false
  return source.from === 'indexedDB' ? name === source.database : fits(source.key, source.dynamic, name)
}

function fits(pattern: string, dynamic: true | undefined, name: string): boolean {
  if (dynamic !== true) return name === pattern
  const [before = '', after = ''] = pattern.split('*')
  return name.startsWith(before) && name.endsWith(after)
}

function madeFromIt(rules: readonly HeaderRule[]): string {
  const headers = rules.map(({ header, origins }) => `${header} to ${origins.join(', ')}`)
  return `the header ${headers.join(' and ')} is made from it`
}

function keyOf({ kind, name, where }: Place): string {
  return [kind, name, where].join('\u0000')
}
