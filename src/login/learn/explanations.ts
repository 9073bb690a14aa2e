import type { CookieSource, RuleSource } from '../../state/header-rule.ts'
import type { SessionState } from '../../state/state.ts'
import { isFor, resembles } from './header-making.ts'
import type { Sighting } from './sightings.ts'
import { cookieValues, groupBy, type StateIndex, type StateValue } from './state-values.ts'
import type { ObservedRequest } from './watch-requests.ts'

export interface Explanation {
  readonly prefix: string
  readonly found: StateValue
}

/** Items of the state that a header may have been made from. */
export function explainByState(
  sighting: Sighting,
  index: StateIndex,
  states: readonly SessionState[],
): Explanation[] {
  const current = cookiesThen(sighting.request, states)
  return beginnings(sighting).flatMap((at) => {
    const value = sighting.value.slice(at)
    return [...(index.get(value) ?? []), ...(current.get(value) ?? [])]
      .filter(({ source }) => isTelling(value, sighting.header, source))
      .map((found) => ({ prefix: sighting.value.slice(0, at), found: maybeDynamic(sighting, found) }))
  })
}

const longestPrefix = 32

/** Where the value may begin: at the start, or after a mark that ends a scheme (`Bearer x`, `Token token=x`). */
export function beginnings({ value, in: place }: Sighting): number[] {
  if (place === 'body') return [0]
  const marks = [...value.slice(0, longestPrefix).matchAll(/[ =:]/g)].map(({ index }) => index + 1)
  return [0, ...marks.filter((at) => at < value.length)]
}

/** Short or plain values are found by chance; they count only where the item is named like the header. */
export function isTelling(value: string, header: string, source: RuleSource): boolean {
  if (new Set(value).size < 3 || value.length < 4) return false
  if (resembles(header, source)) return true
  return value.length >= 12 && new Set(value).size >= 6
}

/**
 * Readable cookies with the value that they had when the request was sent, from its own `Cookie` header: a CSRF
 * cookie that changes with every answer has another value by now.
 */
function cookiesThen(request: ObservedRequest, states: readonly SessionState[]): StateIndex {
  const sent = request.headers.find(([name]) => name.toLowerCase() === 'cookie')?.[1]
  if (sent === undefined) return new Map()
  const host = new URL(request.url).hostname
  const values = sent.split('; ').flatMap((pair) => {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at)
    const cookie = states
      .flatMap((state) => state.cookies)
      .find((known) => known.name === name && isFor(known.domain, host))
    return at < 0 || cookie === undefined ? [] : cookieValues(cookie, pair.slice(at + 1))
  })
  return new Map(groupBy(values, ({ value }) => value))
}

function maybeDynamic({ header, in: place }: Sighting, found: StateValue): StateValue {
  const { source } = found
  if (source.from !== 'cookie' || place !== undefined) return found
  const tail = changingTail(header, source.name)
  if (tail === undefined) return found
  const name = `${source.name.slice(0, -tail.length)}*`
  return { ...found, source: { ...source, name, dynamic: true } satisfies CookieSource }
}

/** Last parts of names that are words of the trade. */
const words = /^(?:token|csrf|xsrf|auth|session|cookie|value|header|secret|nonce|user|client)$/i

/**
 * The last part of both names where it is the same and looks made up (`CSRF-Token-AB12C`, `X-CSRF-Token-AB12C`): digits, or
 * capitals that are no word. Syncthing names both after the device.
 */
function changingTail(header: string, cookie: string): string | undefined {
  const tail = /[-_.]([A-Za-z0-9]{4,64})$/.exec(cookie)?.[1]
  if (tail === undefined || !header.toLowerCase().endsWith(tail.toLowerCase())) return undefined
  return words.test(tail) || /^[A-Z]?[a-z]+$/.test(tail) ? undefined : tail
}
