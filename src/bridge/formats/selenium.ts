import type { SessionState, StateCookie } from '../../state/state.ts'
import { isObject, own } from '../parse/bounded-json.ts'
import { expiryField, readCookieList, translated } from './cookie-list.ts'
import { type Format, type Formatted, jsonText, type Reading } from './format.ts'
import { firstList, type Input } from './input.ts'
import { bothFates, type Fate, judgeCookies, lostFields, partitionFate, plainKey } from './losses.ts'
import { withoutStorage } from './losses.ts'

const title = 'a Selenium cookie list'

/** What `driver.get_cookies()` gives: WebDriver's cookies, with `expiry` in whole seconds. */
export const selenium: Format = {
  name: 'selenium',
  title,
  readsWithUrl: false,
  writesForUrl: false,
  detect(input) {
    const list = input.isJson ? (firstList(input.json()) ?? []) : []
    const entries = list.filter(isObject)
    if (entries.some((entry) => own(entry, 'expiry') !== undefined)) return true
    // Session cookies only: nothing tells them from others but what is missing.
    return entries.length > 0 && entries.every((entry) => 'name' in entry && !('expires' in entry))
  },
  parse: fromSelenium,
  format: toSelenium,
}

function fromSelenium(input: Input, { report }: Reading): SessionState {
  return readCookieList(firstList(input.json()), report, (entry, say) =>
    translated(entry, ['expiry'], { expires: expiryField(entry, 'expiry', say) }),
  )
}

function toSelenium(state: SessionState): Formatted {
  const { written, report } = judgeCookies(state, title, fate, plainKey)
  return { text: jsonText(written.map(row)), report: [...report, ...withoutStorage(state, title)] }
}

function fate(cookie: StateCookie): Fate {
  const fraction = Number.isInteger(cookie.expires) ? [] : ['expires below one second']
  return bothFates(partitionFate(cookie), { lost: [...fraction, ...lostFields(cookie, ['sameSite'])] })
}

function row({ name, value, domain, path, expires, httpOnly, secure, sameSite }: StateCookie): object {
  return {
    domain,
    ...(expires !== -1 && { expiry: Math.floor(expires) }),
    httpOnly,
    name,
    path,
    ...(sameSite !== undefined && { sameSite }),
    secure,
    value,
  }
}
