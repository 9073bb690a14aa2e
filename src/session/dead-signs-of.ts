import type { DeadSigns } from '../http/trouble/dead-signs.ts'
import type { Recipe } from '../login/recipe.ts'
import type { Probe } from '../state/identity.ts'

/**
 * Where those who are not signed in are sent: to the recipe's login page, and to where the probe has seen them sent; and what
 * the site's pages show to nobody only.
 */
export function deadSignsOf({ url, isDead }: Recipe): (facts: { readonly probe?: Probe }) => DeadSigns {
  const { origin, pathname, search } = new URL(url)
  const login = [...new Set([origin + pathname, origin + pathname + search])]
  let probe: Probe | undefined
  let signs: DeadSigns = { pages: login, isDead }
  return (facts) => {
    if (facts.probe === probe) return signs
    probe = facts.probe
    const location = probe?.alive.location === undefined ? probe?.dead.location : undefined
    const pages = location === undefined ? login : [...login, location]
    signs = { pages, isDead, marks: pageMarks(probe), probe: probe?.url }
    return signs
  }
}

/** Of a probe that tells pages by their marks: those that pages at other addresses have as well. */
function pageMarks(probe: Probe | undefined): DeadSigns['marks'] {
  if (probe?.alive.contentType !== 'text/html') return undefined
  const ofNobody = searchable(probe.dead.marks ?? [])
  return ofNobody.length === 0 ? undefined : { ofNobody, ofSomebody: searchable(probe.alive.marks ?? []) }
}

/** Marks of pages as they stand in the text of other pages: names, and addresses that do not say where to return to. */
function searchable(marks: readonly string[]): string[] {
  return marks
    .filter((mark) => !mark.includes('?') && mark !== 'type=password')
    .map((mark) => mark.replace(/^(?:[#.]|name=)/, ''))
    .filter((mark) => mark.length >= 5)
}
