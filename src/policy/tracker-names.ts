import { advertisingVendors } from './advertising-names.ts'
import { analyticsVendors } from './analytics-names.ts'
import { marketingVendors } from './marketing-names.ts'

/**
 * Names that analytics and advertising scripts give to what they keep in the visited site's own storage. Our own
 * selection: only names that carry their vendor's mark, each vendor with the place where the names are documented
 * (docs/gate.md says how they were checked). `*` stands for any characters, `?` for one, `#` for digits. Left out on
 * purpose: names that a site could have chosen itself, records of consent and of opting out, and everything that decides
 * whether one is let in (sessions, CSRF, bot and load-balancer cookies).
 */
export interface TrackerVendor {
  readonly vendor: string
  /** Where the vendor documents the names. */
  readonly source: string
  readonly names: readonly string[]
}

export interface ListedVendor extends TrackerVendor {
  readonly list: 'analytics' | 'advertising' | 'marketing'
}

export const trackerVendors: readonly ListedVendor[] = [
  ...analyticsVendors.map((vendor) => ({ ...vendor, list: 'analytics' as const })),
  ...advertisingVendors.map((vendor) => ({ ...vendor, list: 'advertising' as const })),
  ...marketingVendors.map((vendor) => ({ ...vendor, list: 'marketing' as const })),
]
