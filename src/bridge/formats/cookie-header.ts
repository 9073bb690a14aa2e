import type { SessionState } from '../../state/state.ts'
import type { Format, Formatted, Reading, Writing } from './format.ts'
import { type Input, linesOf } from './input.ts'
import { fromPairs, targetOf, toPairs, urlOf } from './request-cookies.ts'

const title = 'a Cookie header'

/** `Cookie: a=1; b=2`, alone or among the other headers of a request, as developer tools copy them. */
export const cookieHeaderLine: Format = {
  name: 'cookie-header',
  title,
  readsWithUrl: true,
  writesForUrl: true,
  detect: (input) =>
    !input.isJson && /^[ \t]*cookie:/im.test(input.text) && !/^\s*(?:curl|wget)\s/.test(input.text),
  parse: fromCookieHeader,
  format: toCookieHeader,
}

/** HTTP/2 may send several such lines; text without any is the header's value. */
function fromCookieHeader(input: Input, reading: Reading): SessionState {
  const url = urlOf(reading, title)
  const lines = linesOf(input.text).map((line) => line.trim())
  const named = lines.filter((line) => /^cookie:/i.test(line))
  const values = named.length > 0 ? named.map((line) => line.slice('cookie:'.length)) : lines
  return fromPairs(values, url, title, reading)
}

function toCookieHeader(state: SessionState, { url }: Writing): Formatted {
  const { text, report } = toPairs(state, targetOf(url), title)
  return { text: text === '' ? '' : `Cookie: ${text}\n`, report }
}
