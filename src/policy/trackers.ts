import { namePatterns } from './name-patterns.ts'
import { neverCut } from './never-cut.ts'
import { trackerVendors, type ListedVendor } from './tracker-names.ts'

/** A name that is known to be a tracker's: whose, and by which entry of which list. */
export interface TrackerMatch {
  readonly vendor: string
  readonly list: ListedVendor['list']
  /** Such as `_ga_*`. */
  readonly pattern: string
  /** Where the name is documented. */
  readonly source: string
}

interface Entry extends TrackerMatch {
  readonly matches: (name: string) => boolean
}

const written = { digits: true }

let isTracker: ((name: string) => boolean) | undefined
let entries: readonly Entry[] | undefined
let isNeverCut: ((name: string) => boolean) | undefined

/** Who puts something of this name into a site's cookies or web storage, or `undefined` when it is no known tracker. */
export function findTracker(name: string): TrackerMatch | undefined {
  isTracker ??= namePatterns(
    trackerVendors.flatMap(({ names }) => names),
    written,
  )
  if (!isTracker(name)) return undefined
  isNeverCut ??= namePatterns(neverCut)
  if (isNeverCut(name)) return undefined
  entries ??= trackerVendors.flatMap(({ vendor, list, source, names }) =>
    names.map((pattern) => ({ vendor, list, source, pattern, matches: namePatterns([pattern], written) })),
  )
  return entries.find(({ matches }) => matches(name))
}

/** The vendor alone. */
export function trackerVendor(name: string): string | undefined {
  return findTracker(name)?.vendor
}
