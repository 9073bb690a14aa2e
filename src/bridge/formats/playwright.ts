import type { OriginState, SessionState } from '../../state/state.ts'
import { type Format, type Formatted, jsonText } from './format.ts'
import { judgeCookies, lostFields, originLosses, storageLosses } from './losses.ts'
import { playwrightCookie } from './playwright-cookie.ts'
import { hasStateForm, readStateForm } from './state-form.ts'

const title = 'a Playwright storage state'

/** What Playwright 1.65 writes and loads, in its own fields only. */
export const playwright: Format = {
  name: 'playwright',
  title,
  readsWithUrl: false,
  writesForUrl: false,
  detect: (input) => input.isJson && hasStateForm(input.json()),
  parse: (input, { report }) => readStateForm(input, report),
  format: toPlaywright,
}

function toPlaywright(state: SessionState): Formatted {
  const { written, report } = judgeCookies(state, title, (cookie) => ({
    lost: [
      ...(cookie.sameSite === undefined ? ['sameSite that was not said (it becomes Lax)'] : []),
      ...lostFields(cookie, ['sameSite']),
    ],
  }))
  return {
    text: jsonText({ cookies: written.map(playwrightCookie), origins: state.origins.map(originRow) }),
    report: [
      ...report,
      ...storageLosses(state.origins, title, ['sessionStorage']),
      ...originLosses(state.origins, title),
    ],
  }
}

function originRow({ origin, localStorage, indexedDB }: OriginState): object {
  return { origin, localStorage, ...(indexedDB !== undefined && { indexedDB }) }
}
