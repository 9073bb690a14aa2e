import { StateInvalidError } from '../../errors.ts'
import { Cell } from '../../state/cell.ts'
import type { SessionState, StateCookie } from '../../state/state.ts'
import { cookiesFor } from '../jar/cookie-header.ts'
import { CookieList } from './cookie-list.ts'
import type { Formatted, Reading } from './format.ts'
import { trimBlanks } from './input.ts'
import { type Fate, isText, judgeCookies, lostFields, withoutStorage } from './losses.ts'

/** Cookies as a request to one URL shows them: `a=1; b=2`, names and values and nothing else. */

/** Reads such text. What it does not say is taken at its narrowest: this host alone, for this session. */
export function fromPairs(texts: readonly string[], url: URL, title: string, reading: Reading): SessionState {
  // The browser sends the cookie of the longest path first, and that is the one that servers take.
  const cookies = new CookieList(reading.report, 'first')
  const pairs = texts.flatMap((text) => text.split(';').map(trimBlanks))
  for (const [at, pair] of pairs.entries()) {
    if (pair === '') continue
    if (cookies.isOver()) break
    const equals = pair.indexOf('=')
    const entry = {
      name: trimBlanks(pair.slice(0, Math.max(equals, 0))),
      value: trimBlanks(pair.slice(equals + 1)),
      domain: url.hostname,
      path: '/',
      secure: url.protocol === 'https:',
    }
    cookies.add(entry, `pair ${String(at + 1)}`)
  }
  const state = cookies.state()
  if (state.cookies.length > 0) {
    const rule = `${title} has names and values only; taken for session cookies of this host`
    cookies.say(url.host, rule, 'unsupported')
  }
  return state
}

/** The URL that a text without one belongs to. Throws `StateInvalidError` when nobody says it. */
export function urlOf(reading: Reading, title: string): URL {
  if (reading.url !== undefined) return reading.url
  throw new StateInvalidError(`it looks like ${title}, which does not say for which site it is: give a URL.`)
}

/** The cookies that go to the URL, in their order, and a report on all that does not. */
export function toPairs(
  state: SessionState,
  url: URL,
  title: string,
  seen: (cookie: StateCookie) => Fate = () => ({ lost: [] }),
): Formatted {
  const sent = cookiesFor(new Cell(state), url)
  const isSent = new Set(sent)
  const names = new Map<string, StateCookie>()
  for (const cookie of sent)
    if (isPair(cookie) && 'lost' in seen(cookie) && !names.has(cookie.name)) names.set(cookie.name, cookie)
  const { written, report } = judgeCookies(state, title, (cookie) => {
    if (!isSent.has(cookie)) return { unwritten: `it is not sent to ${url.origin}${url.pathname}` }
    if (!isPair(cookie)) return { unwritten: 'octets that are not UTF-8' }
    const fate = seen(cookie)
    if ('unwritten' in fate) return fate
    if (names.get(cookie.name) !== cookie)
      return { unwritten: `another cookie of this name comes first, and ${title} has no places` }
    return { lost: lostOf(cookie, url) }
  })
  const isWritten = new Set(written)
  const text = sent
    .filter((cookie) => isWritten.has(cookie))
    .map(({ name, value }) => (name === '' ? value : `${name}=${value}`))
    .join('; ')
  return { text, report: [...report, ...withoutStorage(state, title)] }
}

function isPair({ name, value }: StateCookie): boolean {
  return isText(name, value)
}

function lostOf(cookie: StateCookie, url: URL): string[] {
  return [
    ...(cookie.domain === url.hostname ? [] : ['domain']),
    ...(cookie.path === '/' ? [] : ['path']),
    ...(cookie.expires === -1 ? [] : ['expires']),
    ...(cookie.httpOnly ? ['httpOnly'] : []),
    ...(cookie.secure === (url.protocol === 'https:') ? [] : ['secure']),
    ...(cookie.partitionKey === undefined ? [] : ['partitionKey']),
    ...lostFields(cookie),
  ]
}

/** The URL to write for; `formatState` has seen to it that there is one. */
export function targetOf(url: URL | undefined): URL {
  if (url === undefined) throw new TypeError('this format is written for a URL')
  return url
}
