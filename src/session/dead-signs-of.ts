import type { DeadSigns } from '../http/trouble/dead-signs.ts'
import type { Recipe } from '../login/recipe.ts'
import type { Probe } from '../state/identity.ts'

/** Where those who are not signed in are sent: to the recipe's login page, and to where the probe has seen them sent. */
export function deadSignsOf({ url, isDead }: Recipe): (facts: { readonly probe?: Probe }) => DeadSigns {
  const { origin, pathname } = new URL(url)
  const login = origin + pathname
  let probe: Probe | undefined
  let signs: DeadSigns = { pages: [login], isDead }
  return (facts) => {
    if (facts.probe === probe) return signs
    probe = facts.probe
    const location = probe?.alive.location === undefined ? probe?.dead.location : undefined
    signs = { pages: location === undefined ? [login] : [login, location], isDead }
    return signs
  }
}
