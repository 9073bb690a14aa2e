import { sourceInWords, type HeaderRule, type Liveness, type Report } from 'sessionbridge'
import type { News } from './messages.ts'

type Opened = Extract<News, { kind: 'opened' }>

export function keptInWords({ cookies, storage }: Opened): string {
  const items = groupBy(storage, ({ kind }) => kind).map(
    ([kind, found]) => `${kind} ${found.map(({ name }) => name).join(' ')}`,
  )
  return [
    `${String(cookies.length)} cookies: ${unique(cookies.map(({ name }) => name)).join(' ')}`,
    ...items,
  ].join(' · ')
}

/** One line for each reason. */
export function droppedInWords(dropped: Report): string[] {
  const meaning: Partial<Record<string, string>> = {
    tracker: 'set by analytics or advertising, not by the login',
    'out-of-scope': 'of a site that the login did not touch',
  }
  return groupBy(dropped, ({ reason }) => reason).map(([reason, items]) => {
    const names = unique(items.map(({ name }) => name)).join(' ')
    return `${String(items.length)} ${reason} (${meaning[reason] ?? 'see the list of reasons'}): ${names}`
  })
}

export function ruleInWords(rule: HeaderRule): string {
  const when = rule.methods === 'unsafe' ? ', writes only' : ''
  return `${rule.header}: ${rule.prefix}… ← ${sourceInWords(rule.source)}  (${rule.origins.map((origin) => new URL(origin).hostname).join(', ')}${when})`
}

export function takenInWords(liveness: Liveness): string {
  return liveness === 'alive'
    ? 'proven by a request that strangers get answered otherwise'
    : `whether the shop takes it: ${liveness}`
}

export function count(number: number, thing: string): string {
  return `${String(number)} ${thing}${number === 1 ? '' : 's'}`
}

export function duration(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`
}

export function perSecond(count: number, ms: number): number {
  return (1000 * count) / ms
}

export function rate(value: number): string {
  return `${value >= 100 ? String(Math.round(value)) : value.toFixed(1)} pages per second`
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const known = groups.get(keyOf(item))
    if (known === undefined) groups.set(keyOf(item), [item])
    else known.push(item)
  }
  return [...groups]
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
