import type { SessionState, StateCookie } from '../../state/state.ts'
import { isObject, own } from '../parse/bounded-json.ts'
import { expiryField, readCookieList, translated } from './cookie-list.ts'
import { type Format, type Formatted, jsonText, type Reading } from './format.ts'
import { firstList, type Input } from './input.ts'
import { judgeCookies, lostFields, withoutStorage } from './losses.ts'

const title = 'the DevTools protocol'

/** `Network.Cookie` as `Storage.getCookies` answers it: `{ "cookies": [ … ] }`, whole messages and bare lists too. */
export const cdp: Format = {
  name: 'cdp',
  title,
  readsWithUrl: false,
  writesForUrl: false,
  detect(input) {
    const value = input.isJson ? input.json() : undefined
    if (Array.isArray(value)) return value.some(isProtocolCookie)
    if (!isObject(value) || own(value, 'origins') !== undefined) return false
    if (isObject(own(value, 'result'))) return listOf(value) !== undefined
    return (listOf(value) ?? []).some(
      (entry) => isObject(entry) && (own(entry, 'size') !== undefined || isProtocolCookie(entry)),
    )
  },
  parse: fromCdp,
  format: toCdp,
}

/** Puppeteer's list is the same but for the name of the partition's site. */
function isProtocolCookie(entry: unknown): boolean {
  const key = isObject(entry) ? own(entry, 'partitionKey') : undefined
  return isObject(entry) && own(entry, 'size') !== undefined && isObject(key) && 'topLevelSite' in key
}

function listOf(value: unknown): readonly unknown[] | undefined {
  if (!isObject(value)) return firstList(value)
  const result = own(value, 'result')
  return firstList(own(value, 'cookies'), isObject(result) ? own(result, 'cookies') : undefined)
}

function fromCdp(input: Input, { report }: Reading): SessionState {
  return readCookieList(listOf(input.json()), report, (entry, say) =>
    translated(entry, ['size', 'session', 'sameParty', 'partitionKeyOpaque'], {
      expires: expiryField(entry, 'expires', say),
    }),
  )
}

function toCdp(state: SessionState): Formatted {
  const { written, report } = judgeCookies(state, title, (cookie) => ({
    lost: lostFields(cookie, ['sameSite', 'sourceScheme', 'sourcePort', 'priority']),
  }))
  const cookies = written.map((cookie) => protocolRow(cookie, 'topLevelSite'))
  return { text: jsonText({ cookies }), report: [...report, ...withoutStorage(state, title)] }
}

/** A cookie as the protocol has it; `site` is what the partition's site is called. */
export function protocolRow(cookie: StateCookie, site: 'topLevelSite' | 'sourceOrigin'): object {
  const { name, value, domain, path, expires, httpOnly, secure, sameSite, partitionKey } = cookie
  const { priority, sourceScheme, sourcePort } = cookie
  return {
    name,
    value,
    domain,
    path,
    expires,
    size: Buffer.byteLength(name) + Buffer.byteLength(value),
    httpOnly,
    secure,
    session: expires === -1,
    ...(sameSite !== undefined && { sameSite }),
    ...(priority !== undefined && { priority }),
    ...(sourceScheme !== undefined && { sourceScheme }),
    ...(sourcePort !== undefined && { sourcePort }),
    ...(partitionKey !== undefined && {
      partitionKey: {
        [site]: partitionKey,
        hasCrossSiteAncestor: cookie._crHasCrossSiteAncestor ?? true,
      },
    }),
  }
}
