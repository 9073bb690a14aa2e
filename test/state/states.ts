import fc from 'fast-check'
import type { OriginState, SessionState, StateCookie } from '../../src/state/state.ts'
import { cookieKey } from '../../src/state/state.ts'

/** Small states that meet each other often: few names, few values, few places. */

const aCookie: fc.Arbitrary<StateCookie> = fc.record({
  name: fc.constantFrom('a', 'b', '__proto__'),
  value: fc.constantFrom('1', '2'),
  domain: fc.constantFrom('shop.test', '.shop.test', 'id.test'),
  path: fc.constantFrom('/', '/a'),
  expires: fc.constant(-1),
  httpOnly: fc.constant(false),
  secure: fc.constant(true),
})

const storage = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('k', 'l', '__proto__', ''), value: fc.constantFrom('1', '2', '') }),
  { selector: ({ name }) => name, maxLength: 4 },
)

const anOrigin: fc.Arbitrary<OriginState> = fc
  .record({
    origin: fc.constantFrom('https://shop.test', 'https://id.test'),
    localStorage: storage,
    sessionStorage: storage,
  })
  .map(({ origin, localStorage, sessionStorage }) => ({
    origin,
    localStorage,
    ...(sessionStorage.length > 0 && { sessionStorage }),
  }))
  .filter(({ localStorage, sessionStorage }) => localStorage.length + (sessionStorage?.length ?? 0) > 0)

export const aState: fc.Arbitrary<SessionState> = fc.record({
  cookies: fc.uniqueArray(aCookie, { selector: cookieKey, maxLength: 8 }),
  origins: fc.uniqueArray(anOrigin, { selector: ({ origin }) => origin, maxLength: 2 }),
})

export const changedState = fc.record({ base: aState, mine: aState, theirs: aState })

/** Order of cookies means creation and order of storage nothing; neither says whether two states hold the same. */
export function canonical(state: SessionState): unknown {
  const byJson = (list: readonly unknown[]): string[] => list.map((entry) => JSON.stringify(entry)).sort()
  return {
    cookies: byJson(state.cookies),
    origins: byJson(
      state.origins.map(({ origin, localStorage, sessionStorage = [] }) => ({
        origin,
        localStorage: byJson(localStorage),
        sessionStorage: byJson(sessionStorage),
      })),
    ),
  }
}
