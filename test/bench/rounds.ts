import { loadavg } from 'node:os'
import { median } from './median.ts'

/** One of those that are measured side by side. */
export interface Contender {
  readonly name: string
  /** One round of the work; what it returns, in milliseconds, is taken instead of the time that it took. */
  round(): Promise<number | undefined>
  close?(): Promise<void>
}

/** Milliseconds per round, by contender. */
export type Times = ReadonlyMap<string, readonly number[]>

/**
 * All once unmeasured, then round by round, each round beginning with another one. No garbage collection is asked for: V8 throws
 * compiled code away with it, and everybody would be measured cold.
 */
export async function measure(contenders: readonly Contender[], rounds: number): Promise<Times> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (const contender of contenders) await contender.round()
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length]
      if (contender === undefined) continue
      const begun = performance.now()
      const said = await contender.round()
      times.get(contender.name)?.push(said ?? performance.now() - begun)
    }
  return times
}

/** All addresses, so many at a time. */
export async function askAll(
  urls: readonly string[],
  client: { ask(url: string): Promise<unknown> },
  concurrency: number,
): Promise<undefined> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let url = urls[next++]; url !== undefined; url = urls[next++]) await client.ask(url)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

/** How many times faster ours is, round by round, so that a slow moment of the machine counts on both sides. */
export function timesFaster(times: Times, ours: string, theirs: string): number {
  const mine = times.get(ours) ?? []
  const other = times.get(theirs) ?? []
  return median(mine.map((time, round) => (other[round] ?? NaN) / time))
}

export type Write = (line: string) => void

/** Under what load the figures below it were made: above 1 they say little. */
export function writeLoad(write: Write): void {
  write(`  load ${loadavg()[0]?.toFixed(1) ?? '?'} at the start`)
}

export interface Figure {
  readonly what: string
  readonly value: number
  readonly target: number
}

/** One line of the report; `atMost` where less is better. */
export function writeFigure(
  write: Write,
  { what, value, target }: Figure,
  { unit = '', atMost = false }: { readonly unit?: string; readonly atMost?: boolean } = {},
): void {
  const isMet = atMost ? value <= target : value >= target
  const limit = `${atMost ? 'at most' : 'at least'} ${String(target)}${unit}`
  write(`  ${what.padEnd(64)} ${value.toFixed(2).padStart(7)}${unit}  ${limit} ${isMet ? '✓' : '✗'}`)
}
