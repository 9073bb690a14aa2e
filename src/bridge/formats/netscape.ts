import { hasControlCharacter } from '../../policy/cookie-rules.ts'
import type { SessionState, StateCookie } from '../../state/state.ts'
import { CookieList } from './cookie-list.ts'
import { readExpiry } from './expiry.ts'
import type { Format, Formatted, Reading } from './format.ts'
import { type Input, linesOf, textOf } from './input.ts'
import { bothFates, type Fate, isText, judgeCookies, lostFields, partitionFate, plainKey } from './losses.ts'
import { withoutStorage } from './losses.ts'

const title = 'Netscape cookies.txt'
/** curl's mark for a cookie that scripts do not see; to older readers such a line is a comment. */
const httpOnlyMark = '#HttpOnly_'

/** Seven fields with tabs between them: domain, whether for subdomains, path, secure, expiry, name, value. */
export const netscape: Format = {
  name: 'netscape',
  title,
  readsWithUrl: false,
  writesForUrl: false,
  detect: (input) =>
    !input.isJson &&
    (/^\s*# (?:Netscape )?HTTP Cookie File/i.test(input.text) ||
      /^(?:#HttpOnly_)?[^\t\r\n#]+\t(?:TRUE|FALSE)\t\//im.test(input.text) ||
      /^(?:#HttpOnly_)?\S+ +(?:TRUE|FALSE) +\/\S* +(?:TRUE|FALSE) /im.test(input.text)),
  parse: fromNetscape,
  format: toNetscape,
}

function fromNetscape(input: Input, { report }: Reading): SessionState {
  const cookies = new CookieList(report)
  for (const [at, line] of linesOf(textOf(input, title)).entries()) {
    const isHttpOnly = line.startsWith(httpOnlyMark)
    if (line.trim() === '' || (line.startsWith('#') && !isHttpOnly)) continue
    const place = `line ${String(at + 1)}`
    const fields = fieldsOf(isHttpOnly ? line.slice(httpOnlyMark.length) : line)
    if (cookies.isOver()) break
    const defect = defectOf(fields)
    if (defect !== undefined) cookies.say(place, defect)
    if (fields.length < 6) continue
    const [domain = '', subdomains = '', path, secure = '', expiry = '', name, value = ''] = fields
    const { expires, rule } = readExpiry(expiry.trim() === '0' ? -1 : expiry)
    if (rule !== undefined) cookies.say(place, rule)
    cookies.add(
      {
        name,
        value,
        domain: domainOf(domain, subdomains),
        path,
        expires,
        httpOnly: isHttpOnly,
        secure: isTrue(secure),
      },
      place,
    )
  }
  return cookies.state()
}

/** Some editors and mails turn tabs into spaces; a value holds neither. */
function fieldsOf(line: string): string[] {
  return line.includes('\t') ? line.split('\t') : line.trim().split(/ +/)
}

function defectOf(fields: readonly string[]): string | undefined {
  if (fields.length === 7) {
    const [, subdomains = '', , secure = ''] = fields
    return isFlag(subdomains) && isFlag(secure)
      ? undefined
      : 'a flag is neither TRUE nor FALSE; taken as FALSE'
  }
  const count = `${String(fields.length)} ${fields.length === 1 ? 'field' : 'fields'} instead of 7`
  if (fields.length < 6) return count
  return fields.length === 6 ? `${count}; taken for an empty value` : `${count}; the rest was left out`
}

/** The flag decides; with the dot alone, as some write it, subdomains are meant too. */
function domainOf(domain: string, subdomains: string): string {
  const bare = domain.replace(/^\./, '')
  const isIp = bare.includes(':') || /^[\d.]+$/.test(bare)
  return !isIp && (isTrue(subdomains) || domain.startsWith('.')) ? `.${bare}` : bare
}

function isTrue(text: string): boolean {
  return text.trim().toUpperCase() === 'TRUE'
}

function isFlag(text: string): boolean {
  return isTrue(text) || text.trim().toUpperCase() === 'FALSE'
}

function toNetscape(state: SessionState): Formatted {
  const { written, report } = judgeCookies(state, title, fate, plainKey)
  const lines = written.map((cookie) => `${cookie.httpOnly ? httpOnlyMark : ''}${lineOf(cookie)}`)
  return {
    text: ['# Netscape HTTP Cookie File', ...lines, ''].join('\n'),
    report: [...report, ...withoutStorage(state, title)],
  }
}

function fate(cookie: StateCookie): Fate {
  // curl reads two tabs as one, and the value would stand where the name is.
  if (cookie.name === '') return { unwritten: `${title} cannot hold a cookie without a name` }
  if (!isText(cookie.name, cookie.value, cookie.path)) return { unwritten: 'octets that are not UTF-8' }
  if (hasControlCharacter(cookie.path)) return { unwritten: 'a control character in the path' }
  const fraction = Number.isInteger(cookie.expires) ? [] : ['expires below one second']
  return bothFates(partitionFate(cookie), { lost: [...fraction, ...lostFields(cookie)] })
}

function lineOf({ domain, path, secure, expires, name, value }: StateCookie): string {
  const flag = (value: boolean): string => (value ? 'TRUE' : 'FALSE')
  const ends = String(expires === -1 ? 0 : Math.floor(expires))
  return [domain, flag(domain.startsWith('.')), path, flag(secure), ends, name, value].join('\t')
}
