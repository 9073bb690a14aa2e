import { advertisingVendors } from './advertising-names.ts'
import { analyticsVendors } from './analytics-names.ts'

/**
 * Names that analytics and advertising scripts give to what they keep in the visited site's own storage. Our own
 * selection: only names that carry their vendor's mark, taken as facts from the vendors' public cookie documentation
 * (named beside each). `*` stands for any characters. Left out on purpose: names that a site could have chosen itself,
 * consent records, and everything that decides whether one is let in (sessions, CSRF, bot and load-balancer cookies).
 */
export interface TrackerVendor {
  readonly vendor: string
  /** Where the vendor documents the names. */
  readonly source: string
  readonly names: readonly string[]
}

export const trackerVendors: readonly TrackerVendor[] = [...analyticsVendors, ...advertisingVendors]
