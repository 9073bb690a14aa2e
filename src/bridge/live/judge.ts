/**
 * The one rule of live sync (docs/decisions/0005-live-sync.md). Each item (a cookie, a storage entry) has a base: what it
 * last was on both sides.
 *
 * - Changed on one side since then: that side's word goes to the other.
 * - Changed on both: gone beats written, and of two writes the one in the cell stands.
 *
 * Why the cell's: the browser is read within milliseconds of any change to the cell, so what is then found changed in it
 * was, but for those milliseconds, written before: the later writer wins. Why gone: a logout that is lost to a write
 * which did not know of it is worse than a write that is lost to a logout.
 */
export type Verdict = 'keep' | 'to-cell' | 'to-browser'

/** What an item is on both sides, and was when they last agreed; undefined where it is not there. */
export interface Sides<T> {
  readonly base: T | undefined
  readonly browser: T | undefined
  readonly cell: T | undefined
  /** Somebody else than this visit has touched the item in the cell since the base was taken. */
  readonly touched: boolean
}

export type Rule = <T>(sides: Sides<T>, same: (a: T | undefined, b: T | undefined) => boolean) => Verdict

export const judge: Rule = ({ base, browser, cell, touched }, same) => {
  if (same(browser, cell)) return 'keep'
  const cellChanged = touched && !same(cell, base)
  if (same(browser, base)) return cellChanged ? 'to-browser' : 'keep'
  if (!cellChanged) return 'to-cell'
  return browser === undefined ? 'to-cell' : 'to-browser'
}
