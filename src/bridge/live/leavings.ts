import type { Page } from 'playwright'
import { siteOf } from '../../policy/public-suffix.ts'
import type { ReportItem } from '../../state/report.ts'
import type { StorageArea } from './storage-area.ts'

/**
 * What nobody could hear. A document's events go through until its page has arrived elsewhere; on the way to another
 * site it says its last words (`pagehide`) only then, from a process that the protocol has let go. localStorage is found
 * by the capture at the end, and the sessionStorage of a tab that has come back was read there. A tab that ends on another
 * site may hold a word more than we know of an origin whose sessionStorage it uses.
 */
export function unheardLeavings(
  tabs: ReadonlyMap<Page, ReadonlyMap<string, StorageArea>>,
  originsIn: (page: Page) => ReadonlySet<string>,
): ReportItem[] {
  const origins = new Set<string>()
  for (const [page, areas] of tabs) {
    if (page.isClosed()) continue // its sessionStorage has gone with it
    const standing = originsIn(page)
    const sites = new Set([...standing].map((origin) => siteOf(new URL(origin))))
    for (const { origin, base } of areas.values())
      if (base.size > 0 && !sites.has(siteOf(new URL(origin)))) origins.add(origin)
  }
  const rule = 'its tab has gone to another site; what it wrote there in its last moment cannot be read'
  return [...origins].map((origin) => ({
    kind: 'sessionStorage',
    name: '*',
    where: origin,
    reason: 'unreadable',
    rule,
  }))
}
