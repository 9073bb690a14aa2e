import type { Report, ReportItem } from '../../state/report.ts'

/** Where a reader reports to. */
export interface ReportSink {
  push(...items: readonly ReportItem[]): unknown
}

/** A file of 64 MiB can hold thirty million things that are wrong; what is beyond this is counted. */
const itemsAtMost = 100_000

/** A report that takes any number of items and stays of a size that can be held. */
export class BoundedReport implements ReportSink {
  readonly #items: ReportItem[] = []
  #beyond = 0

  push(...items: readonly ReportItem[]): void {
    for (const item of items) {
      if (this.#items.length < itemsAtMost) this.#items.push(item)
      else this.#beyond += 1
    }
  }

  /** All that was reported, the rest as one item. */
  items(): Report {
    if (this.#beyond === 0) return this.#items
    const rule = `${String(this.#beyond)} more things are wrong with it`
    return [...this.#items, { kind: 'cookie', name: '', where: '', reason: 'too-many', rule }]
  }
}
