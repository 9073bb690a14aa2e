import type { SessionState } from '../../state/state.ts'
import type { Format, Formatted, Reading, Writing } from './format.ts'
import { type Input, linesOf } from './input.ts'
import { fromPairs, targetOf, toPairs, urlOf } from './request-cookies.ts'

const title = 'document.cookie'

/** `a=1; b=2`, as a script of the page reads it: without the cookies that are HttpOnly. */
export const documentCookie: Format = {
  name: 'document-cookie',
  title,
  readsWithUrl: true,
  writesForUrl: true,
  detect(input) {
    const text = input.isJson ? '' : input.text.trim()
    // A Set-Cookie line looks alike, but its attributes are no cookies.
    const isAnswer = /;[ \t]?(?:(?:path|expires|domain|max-age|samesite)=|httponly\b|secure\b)/i.test(text)
    return /^[^\s=;:]+=[^\r\n]*$/.test(text) && !isAnswer
  },
  parse: fromDocumentCookie,
  format: toDocumentCookie,
}

function fromDocumentCookie(input: Input, reading: Reading): SessionState {
  return fromPairs(linesOf(unquoted(input.text.trim())), urlOf(reading, title), title, reading)
}

/** A browser's console prints strings in quotes, and they are copied along. */
function unquoted(text: string): string {
  const [, inside] = /^'([^']*)'$/.exec(text) ?? /^"([^"]*)"$/.exec(text) ?? []
  return inside?.includes('=') === true ? inside : text
}

function toDocumentCookie(state: SessionState, { url }: Writing): Formatted {
  const { text, report } = toPairs(state, targetOf(url), title, (cookie) =>
    cookie.httpOnly ? { unwritten: 'HttpOnly: scripts do not see it' } : { lost: [] },
  )
  return { text: text === '' ? '' : `${text}\n`, report }
}
