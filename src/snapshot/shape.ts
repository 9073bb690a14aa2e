import type { HeaderRule } from '../state/header-rule.ts'
import type { Identity, Probe, ProbeAnswer } from '../state/identity.ts'
import type { ReportItem } from '../state/report.ts'
import type { IndexedDatabase, OriginState, StateCookie, StorageItem } from '../state/state.ts'
import { count, flag, type Fault, listOf, number, object, oneOf, pairOf, text } from './checks.ts'
import type { SignOutAddress } from '../state/sign-outs.ts'
import type { Snapshot } from './envelope.ts'
import { faultOfSource } from './rule-shape.ts'

/**
 * Checks that unsealed JSON is a snapshot, by hand: zod costs 40 ms of a cold start for the same. Fields that we do
 * not know are let through, so that a newer version's extras survive an older one's save. Only own properties count,
 * so a `__proto__` in the JSON supplies nothing.
 */
export function faultOfSnapshot(value: unknown): Fault {
  return snapshot(value, 'snapshot')
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
  },
)

const headerRule = object<HeaderRule>(
  {
    header: text,
    origins: listOf(text),
    methods: oneOf('all', 'unsafe'),
    prefix: text,
    source: faultOfSource,
  },
  { encoding: oneOf('decoded'), in: oneOf('body', 'form'), paths: listOf(text) },
)

const answer = object<ProbeAnswer>(
  { status: count },
  { location: text, bodyHash: text, contentType: text, marks: listOf(text) },
)

const probe = object<Probe>({ url: text, alive: answer, dead: answer }, {})

// Reasons and kinds are for people by now: a newer version may know more of them.
const dropped = listOf(
  object<ReportItem>({ kind: text, name: text, where: text, reason: text }, { rule: text }),
)

const signOuts = listOf(object<SignOutAddress>({ url: text }, { query: text }))

const snapshot = object<Snapshot>(
  { name: text, state, headerRules: listOf(headerRule), epoch: count, generation: count, savedAt: number },
  {
    ...{ identity, probe, dropped, verifiedAt: number, lastVerified: state, loginId: text, egress: text },
    signOuts,
    standing: oneOf('candidate', 'verified', 'suspect', 'dead'),
  },
)
