import type { SessionState } from '../../state/state.ts'
import { isObject, own } from '../parse/bounded-json.ts'
import { protocolRow } from './cdp.ts'
import { expiryField, readCookieList, translated } from './cookie-list.ts'
import { type Format, type Formatted, jsonText, type Reading } from './format.ts'
import { firstList, type Input } from './input.ts'
import { judgeCookies, lostFields, withoutStorage } from './losses.ts'

const title = 'a Puppeteer cookie list'

/** What `page.cookies()` and `browser.cookies()` give; Playwright's `context.cookies()` is read the same way. */
export const puppeteer: Format = {
  name: 'puppeteer',
  title,
  readsWithUrl: false,
  writesForUrl: false,
  detect(input) {
    const list = input.isJson ? firstList(input.json()) : undefined
    return (
      list !== undefined &&
      (list.length === 0 ||
        list.some((entry) => isObject(entry) && own(entry, 'name') !== undefined && !('expiry' in entry)))
    )
  },
  parse: fromPuppeteer,
  format: toPuppeteer,
}

function fromPuppeteer(input: Input, { report }: Reading): SessionState {
  return readCookieList(firstList(input.json()), report, (entry, say) =>
    translated(entry, ['size', 'session', 'sameParty', 'partitionKey'], {
      expires: expiryField(entry, 'expires', say),
      partitionKey: partitionOf(own(entry, 'partitionKey')),
    }),
  )
}

/** A site, or since version 24 an object whose `sourceOrigin` is what the protocol calls `topLevelSite`. */
function partitionOf(key: unknown): unknown {
  if (!isObject(key) || own(key, 'sourceOrigin') === undefined) return key
  return {
    topLevelSite: own(key, 'sourceOrigin'),
    hasCrossSiteAncestor: own(key, 'hasCrossSiteAncestor') ?? true,
  }
}

function toPuppeteer(state: SessionState): Formatted {
  const { written, report } = judgeCookies(state, title, (cookie) => ({
    lost: lostFields(cookie, ['sameSite', 'sourceScheme', 'sourcePort', 'priority']),
  }))
  const rows = written.map((cookie) => protocolRow(cookie, 'sourceOrigin'))
  return { text: jsonText(rows), report: [...report, ...withoutStorage(state, title)] }
}
