import type { SessionHttp } from '../http/client.ts'
import type { RotateTools } from '../login/recipe.ts'
import type { Cell } from '../state/cell.ts'
import type { OriginState } from '../state/state.ts'

/** What a recipe's `rotate` and `signOut` may do to a session: ask over HTTP, and read and write web storage. */
export function rotateTools(cell: Cell, http: SessionHttp, signal: AbortSignal): RotateTools {
  return {
    http,
    signal,
    getItem: (origin, key, area = 'localStorage') =>
      cell.origin(origin)?.[area]?.find(({ name }) => name === key)?.value,
    setItem(origin, key, value, area = 'localStorage') {
      const before: OriginState = cell.origin(origin) ?? { origin: new URL(origin).origin, localStorage: [] }
      const others = (before[area] ?? []).filter(({ name }) => name !== key)
      const items = value === undefined ? others : [...others, { name: key, value }]
      cell.merge(
        { set: [], removed: [], origins: [{ ...before, [area]: items }], removedOrigins: [] },
        'rotate',
      )
    },
  }
}
