/**
 * Milliseconds on a clock that is never set. Not `performance.now()`: saying that global for the first time loads a
 * room of Node's that costs a tenth of its start (docs/decisions/0001-cold-start.md). What stands on the way to a
 * first answer asks here; times of the two are not to be compared.
 */
export function steadyNow(): number {
  return process.uptime() * 1_000
}
