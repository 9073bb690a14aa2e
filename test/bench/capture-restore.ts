import type { Browser, BrowserContext } from 'playwright'
import { applyState } from '../../src/bridge/context/apply.ts'
import { captureState } from '../../src/bridge/context/capture.ts'
import { watchOrigins } from '../../src/bridge/context/visited.ts'
import type { SessionState } from '../../src/state/state.ts'
import { launchChromium } from '../site/chromium.ts'
import { manyHosts, type Shop, startShop } from '../site/shop.ts'

/**
 * Reading and putting on the state of a browser context beside Playwright's own storageState. Everything in one run and
 * one browser, rounds interleaved and rotated, medians of paired ratios.
 */
export interface CaptureFigures {
  readonly ratios: readonly { readonly what: string; readonly ratio: number; readonly target: number }[]
}

/** Milliseconds of each contender, by round. */
type Times = Readonly<Record<string, readonly number[]>>
/** What a contender answers with, if it is a function, is done when the clock has stopped. */
type Contenders = Readonly<Record<string, () => Promise<unknown>>>

const bare = 'a context without state'

export async function benchCaptureRestore(
  write: (line: string) => void = console.log,
): Promise<CaptureFigures> {
  const shop = await startShop()
  const browser = await launchChromium(shop)
  const ratios: { what: string; ratio: number; target: number }[] = []
  const compare = (what: string, times: Times, ours: string, theirs: string, target: number): void => {
    const ratio = pairedRatio(times[theirs] ?? [], times[ours] ?? [])
    ratios.push({ what, ratio, target })
    write(`  ${what}: ${ratio.toFixed(2)}× (target ${String(target)}×)`)
  }
  try {
    const sites = Array.from({ length: 10 }, (_, index) => `site${String(index + 1)}.test`)
    for (const [hosts, standing] of [
      [manyHosts(1), true],
      [manyHosts(1), false],
      [manyHosts(10), false],
      [manyHosts(50), false],
      [sites, false],
    ] as const) {
      const where = standing ? 'standing open' : 'without an open page'
      const what = `${String(hosts.length)} origins ${hosts === sites ? 'of as many sites ' : ''}${where}`
      write(`capture, ${what}`)
      const times = await captures(browser, shop, hosts, standing, write)
      compare(
        `captureState beside storageState with IndexedDB, ${what}`,
        times,
        'captureState',
        'storageState, IndexedDB',
        1,
      )
    }
    write('capture after a visit to 1 of 50 origins put on before')
    compare(
      'captureState after a visit beside storageState',
      await visits(browser, shop, write),
      'captureState',
      'storageState',
      50,
    )
    write('restore of 50 origins until the first page has loaded')
    const times = await restores(browser, shop, write)
    compare('applyState beside newContext({ storageState })', times, 'applyState', 'newContext', 15)
    compare('a context that restores nothing, which nothing can beat', times, bare, 'newContext', 15)
  } finally {
    await browser.close()
    await shop.close()
  }
  return { ratios }
}

async function captures(
  browser: Browser,
  shop: Shop,
  hosts: readonly string[],
  standing: boolean,
  write: (line: string) => void,
): Promise<Times> {
  const context = await browser.newContext()
  const watch = watchOrigins(context)
  const page = await context.newPage()
  for (const host of hosts) await page.goto(shop.url(host, '/seed'))
  if (!standing) await page.close()
  const contenders: Contenders = {
    captureState: () => expectOrigins(hosts.length, captureState(context, { origins: watch.origins })),
    storageState: () => context.storageState(),
    'storageState, IndexedDB': () => context.storageState({ indexedDB: true }),
  }
  try {
    return await race(contenders, hosts.length === 50 ? 5 : hosts.length === 1 ? 25 : 9, write)
  } finally {
    await context.close()
  }
}

async function visits(browser: Browser, shop: Shop, write: (line: string) => void): Promise<Times> {
  const state = stateOfMany(shop)
  const open = async (restored: boolean): Promise<BrowserContext> => {
    const context = await browser.newContext(restored ? { storageState: playwrightForm(state) } : {})
    if (!restored) await applyState(context, state)
    const page = await context.newPage()
    await page.goto(shop.url('o7.many.test', '/seed'))
    return context
  }
  const [ours, theirs] = [await open(false), await open(true)]
  const contenders: Contenders = {
    captureState: () => expectOrigins(50, captureState(ours)),
    storageState: () => theirs.storageState(),
  }
  try {
    return await race(contenders, 5, write)
  } finally {
    await Promise.all([ours.close(), theirs.close()])
  }
}

async function restores(browser: Browser, shop: Shop, write: (line: string) => void): Promise<Times> {
  const state = stateOfMany(shop)
  const load = async (context: BrowserContext, items: number): Promise<() => Promise<void>> => {
    const page = await context.newPage()
    await page.goto(shop.url('o7.many.test', '/blank'))
    return async () => {
      const held = await page.evaluate(() => localStorage.length)
      if (held !== items)
        throw new Error(`the first page found ${String(held)} items instead of ${String(items)}`)
      await context.close()
    }
  }
  const contenders: Contenders = {
    applyState: async () => {
      const context = await browser.newContext()
      await applyState(context, state)
      return load(context, 3)
    },
    newContext: async () => load(await browser.newContext({ storageState: playwrightForm(state) }), 3),
    [bare]: async () => load(await browser.newContext(), 0),
  }
  return race(contenders, 9, write)
}

function stateOfMany(shop: Shop): SessionState {
  const origins = manyHosts().map((host) => ({
    origin: new URL(shop.url(host)).origin,
    localStorage: [1, 2, 3].map((n) => ({
      name: `item${String(n)}`,
      value: `value ${String(n)} of ${host}`,
    })),
  }))
  return { cookies: [], origins }
}

function playwrightForm(state: SessionState): {
  cookies: []
  origins: { origin: string; localStorage: { name: string; value: string }[] }[]
} {
  return {
    cookies: [],
    origins: state.origins.map(({ origin, localStorage }) => ({ origin, localStorage: [...localStorage] })),
  }
}

async function expectOrigins(count: number, capture: ReturnType<typeof captureState>): Promise<void> {
  const { state, report } = await capture
  if (state.origins.length === count && report.length === 0) return
  throw new Error(
    `captured ${String(state.origins.length)} origins of ${String(count)}, ${String(report.length)} problems`,
  )
}

/** All contenders once unmeasured, then round by round, each round beginning with another one. */
async function race(contenders: Contenders, rounds: number, write: (line: string) => void): Promise<Times> {
  const entries = Object.entries(contenders)
  const times: Record<string, number[]> = Object.fromEntries(entries.map(([name]) => [name, []]))
  for (const [, run] of entries) {
    const after = await run()
    if (typeof after === 'function') await (after as () => Promise<void>)()
  }
  for (let round = 0; round < rounds; round += 1)
    for (let turn = 0; turn < entries.length; turn += 1) {
      const entry = entries[(round + turn) % entries.length]
      if (entry === undefined) continue
      const begun = performance.now()
      const after = await entry[1]()
      times[entry[0]]?.push(performance.now() - begun)
      if (typeof after === 'function') await (after as () => Promise<void>)()
    }
  for (const [name, list] of Object.entries(times))
    write(`  ${name.padEnd(28)} ${median(list).toFixed(0).padStart(6)} ms`)
  return times
}

function pairedRatio(theirs: readonly number[], ours: readonly number[]): number {
  return median(theirs.map((time, round) => time / (ours[round] ?? NaN)))
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = NaN, high = NaN] = [sorted[middle - (sorted.length % 2 === 0 ? 1 : 0)], sorted[middle]]
  return (low + high) / 2
}

if (process.argv[1] === import.meta.filename) await benchCaptureRestore()
