import type {
  AnswerPlace,
  AnswerSource,
  CookieSource,
  DatabaseSource,
  ObservedSource,
  PagePlace,
  PageSource,
  RuleSource,
  StorageSource,
} from '../state/header-rule.ts'
import { type Check, type Fault, listOf, object, oneOf, text } from './checks.ts'

type ScriptPlace = Extract<PagePlace, { in: 'script' }>

const scriptPlace = object<ScriptPlace>({ in: oneOf('script'), name: text }, { variable: text })
const tagPlace = object<Exclude<PagePlace, ScriptPlace>>(
  { in: oneOf('meta', 'input', 'attribute'), name: text },
  {},
)

const pagePlace: Check = (value, path) =>
  scriptPlace(value, path) === undefined ? undefined : tagPlace(value, path)

const jsonPlace = object<Extract<AnswerPlace, { json: unknown }>>({ json: listOf(text) }, {})
const headerPlace = object<Extract<AnswerPlace, { header: unknown }>>({ header: text }, {})

const answerPlace: Check = (value, path) =>
  jsonPlace(value, path) === undefined ? undefined : headerPlace(value, path)

const dynamic = oneOf(true)

const storage = object<StorageSource>(
  { from: oneOf('localStorage', 'sessionStorage'), origin: text, key: text, path: listOf(text) },
  { dynamic },
)

const sources: Readonly<Record<RuleSource['from'], Check>> = {
  cookie: object<CookieSource>({ from: text, name: text }, { domain: text, dynamic }),
  localStorage: storage,
  sessionStorage: storage,
  indexedDB: object<DatabaseSource>(
    { from: text, origin: text, database: text, store: text, path: listOf(text) },
    { key: text },
  ),
  page: object<PageSource>({ from: text, url: text, at: pagePlace, kept: text }, {}),
  answer: object<AnswerSource>(
    { from: text, url: text, method: text, at: answerPlace, kept: text },
    { page: text, again: oneOf(true) },
  ),
  observed: object<ObservedSource>({ from: text, kept: text }, { page: text }),
}

/** Of a rule's source; a kind that is not known is a fault, since nobody could make a header of it. */
export function faultOfSource(value: unknown, path: string): Fault {
  const from = (value as { from?: unknown } | null | undefined)?.from
  const check = Object.entries(sources).find(([kind]) => kind === from)?.[1]
  return check === undefined ? `${path}.from` : check(value, path)
}
