import { valuesInPage } from '../../http/rules/page-values.ts'
import type { AnswerPlace, AnswerSource, PagePlace, PageSource } from '../../state/header-rule.ts'
import { beginnings } from './explanations.ts'
import { resembles } from './header-making.ts'
import { senderOf, type Sighting } from './sightings.ts'
import { textsInJson } from './state-values.ts'
import type { ObservedAnswer } from './watch-answers.ts'
import type { ObservedRequest } from './watch-requests.ts'

/** What answers have brought before it was sent. */
export interface WireExplanation {
  readonly prefix: string
  readonly value: string
  readonly source: Omit<AnswerSource, 'kept'> | Omit<PageSource, 'kept'>
}

interface Brought {
  readonly request: ObservedRequest
  readonly at: AnswerPlace
}

export type AnswerIndex = ReadonlyMap<string, readonly Brought[]>

const shortest = 8
const longest = 8_192

/** The texts in JSON answers and in headers of answers, by text. */
export function indexAnswers(requests: readonly ObservedRequest[]): AnswerIndex {
  const index = new Map<string, Brought[]>()
  const add = (value: string, request: ObservedRequest, at: AnswerPlace): void => {
    if (value.length < shortest || value.length > longest || new Set(value).size < 5) return
    const known = index.get(value)
    if (known === undefined) index.set(value, [{ request, at }])
    else known.push({ request, at })
  }
  for (const request of requests) {
    for (const [header, value] of request.answer?.headers ?? [])
      for (const { text } of parts(value)) add(text, request, { header: header.toLowerCase() })
    if (request.contentType?.includes('json') !== true) continue
    for (const { path, value } of textsInJson(request.answer?.text ?? '')) add(value, request, { json: path })
  }
  return index
}

/** A header's value, and what follows a scheme in it. */
function parts(value: string): { text: string }[] {
  const at = value.indexOf(' ')
  return at < 0 ? [{ text: value }] : [{ text: value }, { text: value.slice(at + 1) }]
}

/** The newest sighting that an answer or a page before it explains; pages of the one who sent it only. */
export function explainByWire(
  sightings: readonly Sighting[],
  index: AnswerIndex,
  requests: readonly ObservedRequest[],
): WireExplanation | undefined {
  const pages = requests.filter(isPage)
  for (const sighting of sightings.toReversed()) {
    for (const at of beginnings(sighting)) {
      const value = sighting.value.slice(at)
      const prefix = sighting.value.slice(0, at)
      const source = fromPage(sighting, value, pages) ?? fromAnswer(sighting, value, index)
      if (source !== undefined) return { prefix, value, source }
    }
  }
  return undefined
}

function fromAnswer(
  { request: sent }: Sighting,
  value: string,
  index: AnswerIndex,
): Omit<AnswerSource, 'kept'> | undefined {
  const brought = index
    .get(value)
    ?.filter(({ request }) => request.sequence < sent.sequence && isPlain(request))
  const found = brought?.at(-1)
  if (found === undefined) return undefined
  const { url, method } = found.request
  const { search } = new URL(url)
  return {
    from: 'answer',
    url: withoutQuery(url),
    method,
    at: found.at,
    ...(sent.pageOrigin !== undefined && { page: sent.pageOrigin }),
    ...(method === 'GET' && search === '' && { again: true as const }),
  }
}

function fromPage(
  { request: sent, header }: Sighting,
  value: string,
  all: readonly ObservedRequest[],
): Omit<PageSource, 'kept'> | undefined {
  if (value.length < shortest || value.length > longest) return undefined
  const sender = senderOf(sent)
  const pages = all.filter(({ sequence, url }) => sequence < sent.sequence && new URL(url).origin === sender)
  for (const { url, answer } of pages.toReversed()) {
    const at = answer === undefined ? undefined : placeOf(answer, value, header)
    if (at !== undefined) return { from: 'page', url: withoutQuery(url), at }
  }
  return undefined
}

function isPage(request: ObservedRequest): boolean {
  const { resourceType, method, contentType } = request
  return (
    resourceType === 'document' &&
    method === 'GET' &&
    contentType?.includes('html') === true &&
    isPlain(request)
  )
}

/** What stands in a page, read once: all places of a value, and the value that reading a place anew would find. */
interface PageIndex {
  readonly places: ReadonlyMap<string, readonly PagePlace[]>
  readonly first: ReadonlyMap<string, string>
}

const indexes = new WeakMap<ObservedAnswer, PageIndex>()

/** As `valueInPage` reads: the first one that is not empty, with or without its variable. */
function indexOf(answer: ObservedAnswer): PageIndex {
  const known = indexes.get(answer)
  if (known !== undefined) return known
  const places = new Map<string, PagePlace[]>()
  const first = new Map<string, string>()
  for (const { at, value } of valuesInPage(answer.text ?? '')) {
    if (value === '') continue
    const there = places.get(value)
    if (there === undefined) places.set(value, [at])
    else if (there.length < mostPlaces) there.push(at)
    for (const key of [placeKey(at), placeKey(withoutVariable(at))])
      if (!first.has(key)) first.set(key, value)
  }
  const index = { places, first }
  indexes.set(answer, index)
  return index
}

/** More of one value are no places for a nonce. */
const mostPlaces = 100

function placeKey(at: PagePlace): string {
  return JSON.stringify([at.in, at.name, at.in === 'script' ? at.variable : undefined])
}

function withoutVariable(at: PagePlace): PagePlace {
  return at.in === 'script' ? { in: 'script', name: at.name } : at
}

/** Where a value stands so that it can be found there again; best where it is named alike. */
function placeOf(answer: ObservedAnswer, value: string, name: string): PagePlace | undefined {
  const { places, first } = indexOf(answer)
  const rank = (at: PagePlace): number =>
    at.in === 'input' && at.name === name
      ? 0
      : resembles(name, { from: 'page', url: '', at, kept: '' })
        ? 1
        : 2
  for (const at of [...(places.get(value) ?? [])].sort((a, b) => rank(a) - rank(b)))
    for (const place of [withoutVariable(at), at]) if (first.get(placeKey(place)) === value) return place
  return undefined
}

const longestPath = 300

/** An address that may be written down; one that holds more than a name may be a secret itself. */
function isPlain({ url }: ObservedRequest): boolean {
  return URL.canParse(url) && new URL(url).pathname.length <= longestPath
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
