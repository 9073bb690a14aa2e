import type { ReportKind } from '../../state/report.ts'
import type { IndexedDatabase, OriginState, StorageItem } from '../../state/state.ts'
import { copyJson, isObject, NotPlainJson, own } from './bounded-json.ts'
import type { ReportSink } from './report-sink.ts'

/** Reads one origin's storage; `undefined`, with a report, when it is none. `place` is how the input calls it. */
export function parseOrigin(entry: unknown, place: string, report: ReportSink): OriginState | undefined {
  const named = isObject(entry) ? own(entry, 'origin') : undefined
  if (!isObject(entry) || typeof named !== 'string' || !URL.canParse(named)) {
    report.push({ kind: 'origin', name: '', where: place, reason: 'malformed', rule: 'no origin' })
    return undefined
  }
  const { origin } = new URL(named)
  if (!/^https?:/.test(origin)) {
    report.push({ kind: 'origin', name: '', where: place, reason: 'malformed', rule: 'not a web origin' })
    return undefined
  }
  const items = (kind: 'localStorage' | 'sessionStorage'): StorageItem[] =>
    parseItems(own(entry, kind), kind, origin, report)
  const databases = parseDatabases(own(entry, 'indexedDB'), origin, report)
  const session = items('sessionStorage')
  return {
    ...unknownFields(entry, origin, report),
    origin,
    localStorage: items('localStorage'),
    ...(session.length > 0 && { sessionStorage: session }),
    ...(databases.length > 0 && { indexedDB: databases }),
  }
}

/** Of equal keys the last counts, as when they are set one after the other. */
function parseItems(list: unknown, kind: ReportKind, where: string, report: ReportSink): StorageItem[] {
  if (list === undefined) return []
  const say = (rule: string, name = ''): void => {
    report.push({ kind, name, where, reason: 'malformed', rule })
  }
  if (!Array.isArray(list)) {
    say('not a list')
    return []
  }
  const items = new Map<string, StorageItem>()
  for (const entry of list as unknown[]) {
    const name = isObject(entry) ? own(entry, 'name') : undefined
    const value = isObject(entry) ? own(entry, 'value') : undefined
    if (typeof name !== 'string') say('name is not a string')
    else if (typeof value !== 'string') say('value is not a string', name)
    else {
      if (items.has(name)) report.push({ kind, name, where, reason: 'duplicate' })
      items.set(name, { name, value })
    }
  }
  return [...items.values()]
}

function parseDatabases(list: unknown, where: string, report: ReportSink): IndexedDatabase[] {
  if (list === undefined) return []
  const say = (rule: string, name = ''): IndexedDatabase[] => {
    report.push({ kind: 'indexedDB', name, where, reason: 'malformed', rule })
    return []
  }
  if (!Array.isArray(list)) return say('not a list')
  return (list as unknown[]).flatMap((entry) => {
    const name = isObject(entry) ? own(entry, 'name') : undefined
    if (typeof name !== 'string') return say('name is not a string')
    try {
      const copy = copyJson(entry)
      return isDatabase(copy) ? [copy] : say('not a database as Playwright writes it', name)
    } catch (error) {
      if (!(error instanceof NotPlainJson)) throw error
      return say(error.message, name)
    }
  })
}

/** The outline only: records hold whatever their page put there, and the browser judges them when they are restored. */
function isDatabase(value: unknown): value is IndexedDatabase {
  return (
    isObject(value) &&
    typeof value.version === 'number' &&
    Array.isArray(value.stores) &&
    value.stores.every(
      (store) => isObject(store) && typeof store.name === 'string' && Array.isArray(store.records),
    )
  )
}

const knownFields = new Set(['origin', 'localStorage', 'sessionStorage', 'indexedDB', '__proto__'])

function unknownFields(
  entry: Readonly<Record<string, unknown>>,
  where: string,
  report: ReportSink,
): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const field of Object.keys(entry)) {
    if (knownFields.has(field) || entry[field] === undefined) continue
    try {
      fields[field] = copyJson(entry[field])
    } catch (error) {
      if (!(error instanceof NotPlainJson)) throw error
      report.push({ kind: 'origin', name: where, where, reason: 'malformed', rule: error.message })
    }
  }
  return fields
}
