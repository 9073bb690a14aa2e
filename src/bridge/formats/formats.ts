import { StateInvalidError } from '../../errors.ts'
import { cdp } from './cdp.ts'
import { cookieEditor } from './cookie-editor.ts'
import { cookieHeaderLine } from './cookie-header.ts'
import { curl } from './curl.ts'
import { documentCookie } from './document-cookie.ts'
import type { Format, FormatName } from './format.ts'
import { har } from './har.ts'
import type { Input } from './input.ts'
import { netscape } from './netscape.ts'
import { playwright } from './playwright.ts'
import { puppeteer } from './puppeteer.ts'
import { selenium } from './selenium.ts'
import { sessionbridge } from './sessionbridge.ts'
import { toughCookieJson } from './tough-cookie.ts'
import { wget } from './wget.ts'

/** All formats, in the order in which an input is held against them: what has a mark of its own goes first. */
export const formats: readonly Format[] = [
  har,
  toughCookieJson,
  cookieEditor,
  cdp,
  sessionbridge,
  playwright,
  selenium,
  puppeteer,
  curl,
  wget,
  netscape,
  cookieHeaderLine,
  documentCookie,
]

/** Throws `TypeError` that names the formats. */
export function formatNamed(name: string): Format {
  const format = formats.find((one) => one.name === name)
  if (format !== undefined) return format
  throw new TypeError(`there is no format of that name; there are ${formatNames.join(', ')}`)
}

/** Our own first, then as the table has them. */
export const formatNames: readonly FormatName[] = [
  'sessionbridge',
  ...formats.map(({ name }) => name).filter((name) => name !== 'sessionbridge'),
]

/** Throws `StateInvalidError` when it looks like none of them. */
export function detectIn(input: Input): Format {
  const found = formats.find((format) => format.detect(input))
  if (found !== undefined) return found
  throw new StateInvalidError(
    input.isJson
      ? 'it is JSON of no form that we know: pass what Playwright calls storageState, or a list of cookies.'
      : `it is not JSON, and no other form that we know (${formatNames.join(', ')}).`,
  )
}
