import { namePatterns } from './name-patterns.ts'
import { neverCut } from './never-cut.ts'
import { trackerVendors } from './tracker-names.ts'

interface VendorTest {
  readonly vendor: string
  readonly matches: (name: string) => boolean
}

let isTracker: ((name: string) => boolean) | undefined
let vendorTests: readonly VendorTest[] | undefined
let isNeverCut: ((name: string) => boolean) | undefined

/** Who puts something of this name into a site's cookies or web storage, or `undefined` when it is no known tracker. */
export function trackerVendor(name: string): string | undefined {
  isTracker ??= namePatterns(trackerVendors.flatMap(({ names }) => names))
  if (!isTracker(name)) return undefined
  isNeverCut ??= namePatterns(neverCut)
  if (isNeverCut(name)) return undefined
  vendorTests ??= trackerVendors.map(({ vendor, names }) => ({ vendor, matches: namePatterns(names) }))
  return vendorTests.find(({ matches }) => matches(name))?.vendor
}
