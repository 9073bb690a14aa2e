import type { SessionState, StateCookie } from '../../state/state.ts'
import { isObject, type JsonObject, own } from '../parse/bounded-json.ts'
import { expiryField, readCookieList, translated } from './cookie-list.ts'
import { type Format, type Formatted, jsonText, type Reading } from './format.ts'
import { firstList, type Input } from './input.ts'
import { judgeCookies, lostFields, withoutStorage } from './losses.ts'

const title = 'Cookie-Editor JSON'

/**
 * What browser extensions export (Cookie-Editor, EditThisCookie, J2TEAM): the list of the extension API's `cookies.Cookie`,
 * alone or as the `cookies` of an object.
 */
export const cookieEditor: Format = {
  name: 'cookie-editor',
  title,
  readsWithUrl: false,
  writesForUrl: false,
  detect: (input) =>
    input.isJson &&
    (listOf(input) ?? []).some(
      (entry) =>
        isObject(entry) &&
        ['hostOnly', 'expirationDate', 'storeId'].some((field) => own(entry, field) !== undefined),
    ),
  parse: fromCookieEditor,
  format: toCookieEditor,
}

function listOf(input: Input): readonly unknown[] | undefined {
  const value = input.json()
  // With origins it is a state, whatever unknown fields its cookies carry.
  const isBox = isObject(value) && own(value, 'origins') === undefined
  return firstList(value, isBox ? own(value, 'cookies') : undefined)
}

function fromCookieEditor(input: Input, { report }: Reading): SessionState {
  return readCookieList(listOf(input), report, (entry, say) => {
    if (own(entry, 'firstPartyDomain') !== undefined && own(entry, 'firstPartyDomain') !== '')
      if (own(entry, 'firstPartyDomain') !== null) say('firstPartyDomain was left out')
    return translated(entry, foreignFields, {
      domain: domainOf(entry),
      expires: expiryField(entry, 'expirationDate', say),
      partitionKey: partitionOf(own(entry, 'partitionKey')),
    })
  })
}

/** What the extension's API says of the browser's own book-keeping. */
const foreignFields = [
  'hostOnly',
  'session',
  'storeId',
  'id',
  'expirationDate',
  'firstPartyDomain',
  'partitionKey',
]

/** `hostOnly` decides; without it the dot does. */
function domainOf(entry: JsonObject): unknown {
  const domain = own(entry, 'domain')
  const hostOnly = own(entry, 'hostOnly')
  if (typeof domain !== 'string' || typeof hostOnly !== 'boolean') return domain
  const host = domain.replace(/^\./, '')
  return hostOnly ? host : `.${host}`
}

/** Firefox writes an empty key where there is no partition. */
function partitionOf(key: unknown): unknown {
  return isObject(key) && (own(key, 'topLevelSite') ?? '') === '' ? undefined : key
}

function toCookieEditor(state: SessionState): Formatted {
  const { written, report } = judgeCookies(state, title, (cookie) => ({
    lost: lostFields(cookie, ['sameSite']),
  }))
  return {
    text: jsonText(written.map(row)),
    report: [...report, ...withoutStorage(state, title)],
  }
}

const sameSites = { Strict: 'strict', Lax: 'lax', None: 'no_restriction' } as const

function row(cookie: StateCookie): object {
  const { name, value, domain, path, expires, httpOnly, secure, sameSite, partitionKey } = cookie
  return {
    domain,
    ...(expires !== -1 && { expirationDate: expires }),
    hostOnly: !domain.startsWith('.'),
    httpOnly,
    name,
    path,
    sameSite: sameSite === undefined ? 'unspecified' : sameSites[sameSite],
    secure,
    session: expires === -1,
    storeId: null,
    value,
    ...(partitionKey !== undefined && {
      partitionKey: {
        topLevelSite: partitionKey,
        hasCrossSiteAncestor: cookie._crHasCrossSiteAncestor ?? true,
      },
    }),
  }
}
