import type { BrowserContext, Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import type { Rule } from '../../src/bridge/live/judge.ts'
import { Cell } from '../../src/state/cell.ts'
import { useStage } from '../bridge/context/stage.ts'
import { cookie, goLive, itemIn, setItem, type Write } from '../bridge/live/live-stage.ts'

/** Law 3: both ways, deletions too; nothing comes back from the dead; no echo. */

const stage = useStage()
const kinds = ['cookie', 'localStorage', 'sessionStorage'] as const
type Kind = (typeof kinds)[number]
type Side = 'cell' | 'browser'

/** mulberry32: the same writes in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below) | 0
  }
}

interface Op {
  readonly side: Side
  readonly kind: Kind
  readonly name: string
  /** Every written value is written once only, so that it tells who wrote it. Undefined: a deletion. */
  readonly value: string | undefined
}

function operations(count: number, seed: number): Op[] {
  const pick = generator(seed)
  return Array.from({ length: count }, (_, at) => {
    const side = pick(2) === 0 ? 'cell' : 'browser'
    const kind = kinds[pick(3)] ?? 'cookie'
    return {
      side,
      kind,
      name: `n${String(pick(12))}`,
      value: pick(4) === 0 ? undefined : `${side}-${String(at)}`,
    }
  })
}

function writeCell(cell: Cell, origin: string, { kind, name, value }: Op): void {
  if (kind !== 'cookie') setItem(cell, origin, kind, name, value)
  else if (value === undefined) cell.removeCookie(cookie(name, ''), 'test')
  else cell.setCookie(cookie(name, value), 'test')
}

/** Writes as the page's own script, in one go, and answers with what each write met. */
function writePage(page: Page, ops: readonly Op[]): Promise<(string | null)[]> {
  return page.evaluate(
    (all) =>
      all.map(([kind, name, value]) => {
        if (kind !== 'cookie') {
          const storage = window[kind]
          const met = storage.getItem(name)
          if (value === null) storage.removeItem(name)
          else storage.setItem(name, value)
          return met
        }
        const pair = document.cookie.split('; ').find((one) => one.startsWith(`${name}=`))
        document.cookie = value === null ? `${name}=; path=/; max-age=0` : `${name}=${value}; path=/; secure`
        return pair === undefined ? null : pair.slice(name.length + 1)
      }),
    ops.map(({ kind, name, value }) => [kind, name, value ?? null] as const),
  )
}

async function inPage(page: Page, kind: Kind, name: string): Promise<string | undefined> {
  const held = await page.evaluate(
    ([where, key]) =>
      where === 'cookie'
        ? document.cookie
            .split('; ')
            .find((one) => one.startsWith(`${key}=`))
            ?.slice(key.length + 1)
        : window[where].getItem(key),
    [kind, name] as const,
  )
  return held ?? undefined
}

function inCell(cell: Cell, origin: string, kind: Kind, name: string): string | undefined {
  return kind === 'cookie'
    ? cell.state.cookies.find((one) => one.name === name)?.value
    : itemIn(cell, origin, kind, name)
}

interface Outcome {
  readonly differences: string[]
  /** Values that the sync put back on a side that had overwritten or deleted them, and that stand at the end though their writer had. */
  readonly resurrected: string[]
  /** Writes of the sync to the side that had made the value. */
  readonly echoes: Write[]
  readonly writes: Write[]
  readonly applied: number
  readonly deletions: number
}

async function live1000(context: BrowserContext, seed: number, rule?: Rule): Promise<Outcome> {
  const origin = stage.origin('shop.test')
  const { live, cell, writes } = await goLive(context, new Cell(), rule === undefined ? {} : { rule })
  const page = await context.newPage()
  await page.goto(stage.shop.url('shop.test', '/blank'))
  await live.settle()
  const ops = operations(1_000, seed)
  const pick = generator(seed + 1)
  /** Values that a side has held, and has overwritten or deleted itself. */
  const dead: Record<Side, Set<string>> = { cell: new Set(), browser: new Set() }
  const resurrected: string[] = []
  let deletions = 0
  const unsubscribe = cell.subscribe(({ diff, by }) => {
    if (by !== live.by) return
    const items = diff.origins.flatMap((state) => [...state.localStorage, ...(state.sessionStorage ?? [])])
    for (const { value } of [...diff.set, ...items]) if (dead.cell.has(value)) resurrected.push(value)
  })
  for (let at = 0; at < ops.length;) {
    const burst = ops.slice(at, (at += 1 + pick(6)))
    deletions += burst.filter(({ value }) => value === undefined).length
    // The page writes while the cell is written: nobody waits for the other.
    const written = writePage(
      page,
      burst.filter(({ side }) => side === 'browser'),
    )
    for (const op of burst.filter(({ side }) => side === 'cell')) {
      const met = inCell(cell, origin, op.kind, op.name)
      writeCell(cell, origin, op)
      if (met !== undefined) dead.cell.add(met)
    }
    for (const met of await written) if (met !== null) dead.browser.add(met)
    if (pick(20) === 0) await live.settle()
  }
  await live.settle()
  await live.settle()
  const differences: string[] = []
  for (const kind of kinds)
    for (let n = 0; n < 12; n += 1) {
      const [page1, cell1] = [
        await inPage(page, kind, `n${String(n)}`),
        inCell(cell, origin, kind, `n${String(n)}`),
      ]
      if (page1 !== cell1)
        differences.push(`${kind} n${String(n)}: page ${String(page1)}, cell ${String(cell1)}`)
      for (const value of new Set([page1, cell1]))
        if (value !== undefined && dead[value.startsWith('cell-') ? 'cell' : 'browser'].has(value))
          resurrected.push(value)
    }
  unsubscribe()
  await live.finish()
  const echoes = writes.filter(({ to, value }) => value?.startsWith(`${to}-`) === true)
  return { differences, resurrected, echoes, writes, applied: ops.length, deletions }
}

describe('1,000 writes from both sides at once', () => {
  test.each([1, 2, 3])('converge, with nothing back from the dead and no echo (seed %i)', async (seed) => {
    await stage.inContext(async (context) => {
      const outcome = await live1000(context, seed)
      console.log(
        `${String(outcome.applied)} writes, ${String(outcome.deletions)} of them deletions; the sync made ` +
          `${String(outcome.writes.length)}; ${String(outcome.resurrected.length)} resurrected, ${String(outcome.echoes.length)} echoes`,
      )
      expect(outcome.differences).toEqual([])
      expect(outcome.resurrected).toEqual([])
      expect(outcome.echoes).toEqual([])
      expect(outcome.deletions).toBeGreaterThan(100)
      expect(outcome.writes.filter(({ to }) => to === 'cell').length).toBeGreaterThan(100)
      expect(outcome.writes.filter(({ to }) => to === 'browser').length).toBeGreaterThan(100)
    })
  })

  test('do not, when readings are judged without what was last on both sides', async () => {
    const withoutBase: Rule = ({ browser, cell }, same) => (same(browser, cell) ? 'keep' : 'to-cell')
    await stage.inContext(async (context) => {
      const { resurrected } = await live1000(context, 1, withoutBase)
      expect(resurrected.length).toBeGreaterThan(0)
    })
  })
})
