import type { Report, ReportItem } from '../../../src/state/report.ts'
import type { OriginState, SessionState, StateCookie } from '../../../src/state/state.ts'

/**
 * The law of every format: what was written and read again equals the state, up to exactly the losses that the
 * writing reported. Gives the breaches in words; none is the law kept.
 */
export function breaches(
  state: SessionState,
  report: Report,
  read: SessionState,
  options: LawOptions,
): string[] {
  const told = new Map<string, ReportItem[]>()
  for (const item of report) {
    const key = itemKey(item.kind, item.name, item.where)
    told.set(key, [...(told.get(key) ?? []), item])
  }
  return [
    ...cookieBreaches(state.cookies, told, read.cookies, options),
    ...originBreaches(state.origins, told, read.origins),
    ...[...told.values()]
      .flat()
      .map((item) => `reported and not seen: ${item.kind} ${item.name} ${item.rule ?? ''}`),
  ]
}

export interface LawOptions {
  /** False where the format has the order of a request. */
  readonly keepsOrder: boolean
  /** Fields that reading a wire format fills in, where the state did not know them. */
  readonly fillsIn?: readonly string[]
}

type Told = Map<string, ReportItem[]>

function cookieBreaches(
  cookies: readonly StateCookie[],
  told: Told,
  read: readonly StateCookie[],
  options: LawOptions,
): string[] {
  const matches = new Map<StateCookie, StateCookie>()
  const found: string[] = []
  // Cookies that differ only by their partition have the same name and place in a report: any way to share it out counts.
  const groups = grouped(cookies)
  for (const [key, group] of groups) {
    const rules = (told.get(key) ?? []).map(({ rule = '' }) => rule)
    told.delete(key)
    const left = read.filter((cookie) => ![...matches.values()].includes(cookie))
    const sharing = bestSharing(group, rules, left, options)
    found.push(...sharing.breaches)
    for (const [cookie, twin] of sharing.matches) matches.set(cookie, twin)
  }
  const nowhere = read.filter((cookie) => ![...matches.values()].includes(cookie))
  const order = cookies.flatMap((cookie) => matches.get(cookie) ?? []).map((twin) => read.indexOf(twin))
  if (options.keepsOrder && order.some((at, index) => index > 0 && at < (order[index - 1] ?? 0)))
    found.push('out of order')
  return [...found, ...nowhere.map(({ name, domain, path }) => `out of nowhere: ${name} of ${domain}${path}`)]
}

function grouped(cookies: readonly StateCookie[]): ReadonlyMap<string, StateCookie[]> {
  const groups = new Map<string, StateCookie[]>()
  for (const cookie of cookies) {
    const key = itemKey('cookie', cookie.name, cookie.domain + cookie.path)
    groups.set(key, [...(groups.get(key) ?? []), cookie])
  }
  return groups
}

interface Sharing {
  readonly breaches: readonly string[]
  readonly matches: readonly (readonly [StateCookie, StateCookie])[]
}

function bestSharing(
  group: readonly StateCookie[],
  rules: readonly string[],
  left: readonly StateCookie[],
  options: LawOptions,
): Sharing {
  const [cookie, ...others] = group
  if (cookie === undefined) return { breaches: rules.map((rule) => `told and not so: ${rule}`), matches: [] }
  const sharings = [undefined, ...rules.keys()].map((at): Sharing => {
    const one = judge(cookie, at === undefined ? undefined : rules[at], left, options)
    const used = new Set(one.matches.map(([, twin]) => twin))
    const rest = bestSharing(
      others,
      rules.filter((_, index) => index !== at),
      left.filter((twin) => !used.has(twin)),
      options,
    )
    return { breaches: [...one.breaches, ...rest.breaches], matches: [...one.matches, ...rest.matches] }
  })
  return sharings.reduce((best, other) => (other.breaches.length < best.breaches.length ? other : best))
}

function judge(
  cookie: StateCookie,
  rule: string | undefined,
  left: readonly StateCookie[],
  options: LawOptions,
): Sharing {
  if (rule?.startsWith('not written: ') === true) return { breaches: [], matches: [] }
  const lost = lostIn(rule)
  const twin = left.find((other) => isSame(cookie, other, lost))
  if (twin === undefined) {
    const place = `${cookie.name} of ${cookie.domain}${cookie.path}`
    return { breaches: [`gone without a word: ${place}`], matches: [] }
  }
  return { breaches: fieldBreaches(cookie, twin, lost, options.fillsIn ?? []), matches: [[cookie, twin]] }
}

function lostIn(rule: string | undefined): ReadonlySet<string> {
  const [, list = ''] = / has no (.*)$/.exec(rule ?? '') ?? []
  return new Set(list === '' ? [] : list.split(/, (?!or)/).map((words) => words.split(' ')[0] ?? ''))
}

function isSame(cookie: StateCookie, other: StateCookie, lost: ReadonlySet<string>): boolean {
  return (
    cookie.name === other.name &&
    (lost.has('domain') || cookie.domain === other.domain) &&
    (lost.has('path') || cookie.path === other.path) &&
    (lost.has('partitionKey') || partition(cookie) === partition(other))
  )
}

function partition({ partitionKey, _crHasCrossSiteAncestor = true }: StateCookie): string {
  return partitionKey === undefined ? '' : `${partitionKey} ${String(_crHasCrossSiteAncestor)}`
}

const plainFields = [
  'value',
  'domain',
  'path',
  'expires',
  'httpOnly',
  'secure',
  'sameSite',
  'sourceScheme',
  'sourcePort',
  'priority',
] as const

/** A field differs exactly when that was reported. */
function fieldBreaches(
  cookie: StateCookie,
  read: StateCookie,
  lost: ReadonlySet<string>,
  fillsIn: readonly string[],
): string[] {
  const changed: string[] = plainFields.filter(
    (field) => cookie[field] !== read[field] && !(fillsIn.includes(field) && cookie[field] === undefined),
  )
  if (partition(cookie) !== partition(read)) changed.push('partitionKey')
  if ('note' in cookie !== 'note' in read) changed.push('further')
  return [
    ...changed
      .filter((field) => !lost.has(field))
      .map((field) => `${cookie.name}: ${field} lost without a word`),
    ...[...lost]
      .filter((field) => !changed.includes(field))
      .map((field) => `${cookie.name}: ${field} is not lost`),
  ]
}

function originBreaches(origins: readonly OriginState[], told: Told, read: readonly OriginState[]): string[] {
  const found: string[] = []
  const there = new Map<string, string>()
  for (const origin of read) for (const [key, value] of itemsOf(origin)) there.set(key, value)
  for (const [key, value] of origins.flatMap(itemsOf)) {
    const isTold = told.delete(key)
    if (isTold === (there.get(key) === value))
      found.push(`storage ${isTold ? 'is not lost' : 'lost without a word'}: ${key}`)
    there.delete(key)
  }
  return [...found, ...[...there.keys()].map((key) => `storage out of nowhere: ${key}`)]
}

function itemsOf({
  origin,
  localStorage,
  sessionStorage = [],
  indexedDB = [],
}: OriginState): [string, string][] {
  const items = (kind: string, list: readonly { name: string }[]): [string, string][] =>
    list.map((item) => [itemKey(kind, item.name, origin), JSON.stringify(item)])
  return [
    ...items('localStorage', localStorage),
    ...items('sessionStorage', sessionStorage),
    ...items('indexedDB', indexedDB),
  ]
}

function itemKey(kind: string, name: string, where: string): string {
  return JSON.stringify([kind, name, where])
}
