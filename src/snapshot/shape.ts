import type { HeaderRule, Identity, Probe, ProbeAnswer, RuleSource } from '../state/identity.ts'
import type { ReportItem } from '../state/report.ts'
import type { IndexedDatabase, OriginState, StateCookie, StorageItem } from '../state/state.ts'
import type { Snapshot } from './envelope.ts'

/** The path of the first field that is not as it must be; never a value. */
type Fault = string | undefined
type Check = (value: unknown, path: string) => Fault

/**
 * Checks that unsealed JSON is a snapshot, by hand: zod costs 40 ms of a cold start for the same. Fields that we do
 * not know are let through, so that a newer version's extras survive an older one's save. Only own properties count,
 * so a `__proto__` in the JSON supplies nothing.
 */
export function faultOfSnapshot(value: unknown): Fault {
  return snapshot(value, 'snapshot')
}

const rule =
  (holds: (value: unknown) => boolean): Check =>
  (value, path) =>
    holds(value) ? undefined : path

const text = rule((value) => typeof value === 'string')
const number = rule(Number.isFinite)
const count = rule((value) => Number.isSafeInteger(value) && (value as number) >= 0)
const flag = rule((value) => typeof value === 'boolean')
const oneOf = (...options: readonly unknown[]): Check => rule((value) => options.includes(value))

const listOf =
  (item: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return path
    for (let index = 0; index < value.length; index++) {
      const fault = item(value[index], `${path}[${String(index)}]`)
      if (fault !== undefined) return fault
    }
    return undefined
  }

const pairOf =
  (item: Check): Check =>
  (value, path) =>
    Array.isArray(value) && value.length === 2 ? listOf(item)(value, path) : path

type OptionalKey<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T]
/** A check for each field: one that is added to the type and forgotten here does not compile. */
type Required<T> = Readonly<Record<Exclude<keyof T, OptionalKey<T>>, Check>>
type Optional<T> = Readonly<Record<OptionalKey<T>, Check>>

function object<T>(required: Required<T>, optional: Optional<T>): Check {
  const needed = Object.entries<Check>(required)
  const allowed = Object.entries<Check>(optional)
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return path
    const fields = value as Record<string, unknown>
    for (const [name, check] of needed) {
      const fault = Object.hasOwn(fields, name) ? check(fields[name], `${path}.${name}`) : `${path}.${name}`
      if (fault !== undefined) return fault
    }
    for (const [name, check] of allowed) {
      if (!Object.hasOwn(fields, name) || fields[name] === undefined) continue
      const fault = check(fields[name], `${path}.${name}`)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}

const cookie = object<StateCookie>(
  { name: text, value: text, domain: text, path: text, expires: number, httpOnly: flag, secure: flag },
  {
    sameSite: oneOf('Strict', 'Lax', 'None'),
    partitionKey: text,
    _crHasCrossSiteAncestor: flag,
    sourceScheme: oneOf('Unset', 'NonSecure', 'Secure'),
    sourcePort: number,
    priority: oneOf('Low', 'Medium', 'High'),
  },
)

const items = listOf(object<StorageItem>({ name: text, value: text }, {}))

const keyPaths = { keyPath: text, keyPathArray: listOf(text) }

type DatabaseStore = IndexedDatabase['stores'][number]
type DatabaseIndex = DatabaseStore['indexes'][number]

const database = object<IndexedDatabase>(
  {
    name: text,
    version: number,
    stores: listOf(
      object<DatabaseStore>(
        {
          name: text,
          autoIncrement: flag,
          records: listOf(object<object>({}, {})), // what is in them is between the page and its browser
          indexes: listOf(object<DatabaseIndex>({ name: text, multiEntry: flag, unique: flag }, keyPaths)),
        },
        keyPaths,
      ),
    ),
  },
  {},
)

const state = object<Snapshot['state']>(
  {
    cookies: listOf(cookie),
    origins: listOf(
      object<OriginState>(
        { origin: text, localStorage: items },
        { sessionStorage: items, indexedDB: listOf(database) },
      ),
    ),
  },
  {},
)

const hintsAsked = (value: unknown, path: string): Fault =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((names) => !listOf(text)(names, ''))
    ? undefined
    : path

const identity = object<Identity>(
  { userAgent: text, navigationHeaders: listOf(pairOf(text)), languages: listOf(text) },
  {
    timeZone: text,
    viewport: object<NonNullable<Identity['viewport']>>({ width: number, height: number }, {}),
    colorScheme: oneOf('light', 'dark'),
    clientHints: listOf(pairOf(text)),
    hintsAsked,
    thirdPartyCookies: oneOf('allowed', 'blocked'),
    egress: text,
  },
)

const cookieSource = object<Extract<RuleSource, { from: 'cookie' }>>(
  { from: oneOf('cookie'), name: text },
  { domain: text },
)

const storageSource = object<Exclude<RuleSource, { from: 'cookie' }>>(
  { from: oneOf('localStorage', 'sessionStorage'), origin: text, key: text, path: listOf(text) },
  {},
)

const source: Check = (value, path) =>
  cookieSource(value, path) === undefined ? undefined : storageSource(value, path)

const headerRule = object<HeaderRule>(
  { header: text, origins: listOf(text), methods: oneOf('all', 'unsafe'), prefix: text, source },
  { encoding: oneOf('decoded') },
)

const answer = object<ProbeAnswer>({ status: count }, { location: text, bodyHash: text, contentType: text })

const probe = object<Probe>({ url: text, alive: answer, dead: answer }, {})

// Reasons and kinds are for people by now: a newer version may know more of them.
const dropped = listOf(
  object<ReportItem>({ kind: text, name: text, where: text, reason: text }, { rule: text }),
)

const snapshot = object<Snapshot>(
  { name: text, state, headerRules: listOf(headerRule), epoch: count, generation: count, savedAt: number },
  {
    ...{ identity, probe, dropped, verifiedAt: number, lastVerified: state, loginId: text },
    standing: oneOf('candidate', 'verified', 'suspect', 'dead'),
  },
)
