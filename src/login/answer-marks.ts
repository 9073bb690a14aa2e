import { tagsOf, type Tag } from '../http/rules/html-tags.ts'

/**
 * What tells a page or JSON for somebody from one for nobody, when both have the same status and much in them changes from answer
 * to answer: in pages the names and addresses that speak of signing in and out, in JSON which fields there are and of what
 * kind. Never text that is shown, and no value of a field but true, false and null.
 */
export type Marks = ReadonlySet<string>

/** Of a larger body nothing is read, bytes. */
const largest = 1024 * 1024
/** How many tell as well as all. */
const atMost = 8

const signingWords =
  /log[-_.]?(?:in|out|off|on)(?![a-z])|log(?:in|out)|sign[-_.]?(?:in|out|off|on)(?![a-z])|(?:logged|signed)[-_.]?(?:in|out)|password|passwd/i
/** What is made anew for each answer, or some day: it would tell for a short time only. */
const fleeting = /\d{5,}|[0-9a-f]{16,}|[\w+/-]{40,}/i

export function marksOf(contentType: string | undefined, body: string): Marks {
  if (body.length > largest) return new Set()
  if (contentType?.includes('html') === true) return new Set(pageMarks(body))
  return contentType?.includes('json') === true ? new Set(jsonMarks(body)) : new Set()
}

/** Those in all of `mine` and in none of `others`, as they came. */
export function tellingMarks(mine: readonly Marks[], others: readonly Marks[]): string[] {
  const [first = new Set<string>(), ...rest] = mine
  return [...first]
    .filter((mark) => rest.every((marks) => marks.has(mark)) && !others.some((marks) => marks.has(mark)))
    .slice(0, atMost)
}

/** `undefined` where the marks do not say it. */
export function judgeMarks(
  found: Marks,
  alive: readonly string[],
  dead: readonly string[],
): 'alive' | 'dead' | undefined {
  const ofAlive = alive.filter((mark) => found.has(mark)).length
  const ofDead = dead.filter((mark) => found.has(mark)).length
  const isAlive = alive.length > 0 ? 2 * ofAlive >= alive.length : ofDead === 0
  const isDead = dead.length > 0 ? 2 * ofDead >= dead.length : ofAlive === 0
  if (isAlive === isDead) return undefined
  return isAlive ? 'alive' : 'dead'
}

function* pageMarks(html: string): Generator<string> {
  for (const tag of tagsOf(html)) {
    for (const mark of tag.closing ? [] : tagMarks(tag)) {
      if (mark.length <= 200 && signingWords.test(mark) && !fleeting.test(mark)) yield mark
    }
  }
}

function* tagMarks({ name, attributes }: Tag): Generator<string> {
  const get = (attribute: string): string | undefined => attributes.get(attribute)
  if (get('id') !== undefined) yield `#${get('id') ?? ''}`
  if (get('name') !== undefined) yield `name=${get('name') ?? ''}`
  if (name === 'input' && get('type')?.toLowerCase() === 'password') yield 'type=password'
  for (const word of get('class')?.split(/\s+/, 20) ?? []) yield `.${word}`
  const address = get('href') ?? get('action') ?? get('formaction')
  if (address === undefined || name === 'link') return
  // Without its query, too: that often says where to return to.
  yield address
  yield address.replace(/[?#].*$/s, '')
}

function jsonMarks(text: string): Iterable<string> {
  try {
    return valueMarks(JSON.parse(text), '', 0)
  } catch {
    return []
  }
}

function* valueMarks(value: unknown, path: string, depth: number): Generator<string> {
  if (depth > 6) return
  if (Array.isArray(value)) {
    yield `${path}[]`
    for (const item of value.slice(0, 3)) yield* valueMarks(item, `${path}[]`, depth + 1)
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, content] of Object.entries(value).slice(0, 100))
      if (!fleeting.test(name)) yield* valueMarks(content, `${path}.${name}`, depth + 1)
  } else yield `${path} ${typeof value === 'boolean' || value === null ? String(value) : typeof value}`
}
