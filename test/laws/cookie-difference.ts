import type { StateCookie } from '../../src/state/state.ts'

/** Longest path first, else as it was: all of the order that a header shows. */
function inHeaderOrder(cookies: readonly StateCookie[]): StateCookie[] {
  const length = ({ path }: StateCookie): number => Buffer.byteLength(path)
  return [...cookies].sort((a, b) => length(b) - length(a))
}

/** Times as near as a slow machine allows. */
const sameTime = (a: number, b: number): boolean => (a === -1) === (b === -1) && Math.abs(a - b) <= 120

function same(a: StateCookie, b: StateCookie | undefined): boolean {
  if (b === undefined || !sameTime(a.expires, b.expires)) return false
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof StateCookie>
  fields.delete('expires')
  return [...fields].every((field) => a[field] === b[field])
}

/** Field by field and in order; `undefined` when there is none, else what one side has and the other has not. */
export function differenceOf(
  engine: readonly StateCookie[],
  chromium: readonly StateCookie[],
): string | undefined {
  const [mine, theirs] = [inHeaderOrder(engine), inHeaderOrder(chromium)]
  if (mine.length === theirs.length && mine.every((cookie, at) => same(cookie, theirs[at]))) return undefined
  const only = (some: readonly StateCookie[], others: readonly StateCookie[]): string[] =>
    some
      .filter((cookie) => !others.some((other) => same(cookie, other)))
      .map((cookie) => JSON.stringify(cookie))
  const text = ['only Chromium:', ...only(theirs, mine), 'only the engine:', ...only(mine, theirs)].join('\n')
  return text.replaceAll(/(.)\1{50,}/g, '$1…$1')
}
