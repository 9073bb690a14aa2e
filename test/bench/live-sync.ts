import type { Page } from 'playwright'
import { LiveSync } from '../../src/bridge/live/live-sync.ts'
import { Cell } from '../../src/state/cell.ts'
import type { StateCookie } from '../../src/state/state.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop } from '../site/shop.ts'

/**
 * How long a change takes to the other side while a visit lives, until the other side itself can see it. Each is
 * written after a pause of random length, so that it meets the readings at any point.
 */
export interface LiveFigures {
  readonly latencies: readonly { readonly what: string; readonly p50: number; readonly p99: number }[]
  /** Processor time of this process and share of one core, while nothing happens. */
  readonly idleShare: number
}

const changes = 200
const target = 100

export async function benchLiveSync(write: (line: string) => void = console.log): Promise<LiveFigures> {
  const shop = await startShop()
  const browser = await launchChromium(shop)
  const context = await browser.newContext()
  const latencies: { what: string; p50: number; p99: number }[] = []
  try {
    const cell = new Cell()
    const { live } = await LiveSync.begin(context, { cell, policy: {} })
    const page = await context.newPage()
    await page.goto(shop.url('shop.test', '/blank'))
    await live.settle()
    const { origin } = new URL(page.url())
    await watchInPage(page)
    const ways: Record<string, (n: number) => Promise<number>> = {
      'cookie, page → cell': (n) => fromPage(page, cell, 'cookie', n),
      'localStorage, page → cell': (n) => fromPage(page, cell, 'localStorage', n),
      'cookie, answer → cell': (n) => fromAnswer(page, cell, n),
      'cookie, cell → page': (n) =>
        toPage(page, 'cookie', n, (value) => {
          cell.setCookie(cookieOf(value), 'bench')
        }),
      'localStorage, cell → page': (n) =>
        toPage(page, 'localStorage', n, (value) => {
          const localStorage = [{ name: 'bench', value }]
          cell.merge(
            { set: [], removed: [], origins: [{ origin, localStorage }], removedOrigins: [] },
            'bench',
          )
        }),
    }
    const times = await race(ways)
    for (const [what, list] of Object.entries(times)) {
      const [p50, p99] = [at(list, 0.5), at(list, 0.99)]
      latencies.push({ what, p50, p99 })
      write(
        `  ${what.padEnd(28)} p50 ${p50.toFixed(1).padStart(5)} ms   p99 ${p99.toFixed(1).padStart(5)} ms   (target p99 < ${String(target)} ms, ${String(list.length)} changes)`,
      )
    }
    const idleShare = await idle()
    write(`  a live visit at rest costs ${(idleShare * 100).toFixed(1)} % of a core in this process`)
    await live.finish()
    return { latencies, idleShare }
  } finally {
    await browser.close()
    await shop.close()
  }
}

/** The clocks of page and Node are the same machine's. */
const clock = (): number => performance.timeOrigin + performance.now()

/** The page looks at its own cookies and storage every 2 ms, and tells when it saw what it was waiting for. */
async function watchInPage(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.assign(window, {
      seen: (kind: string, value: string) =>
        new Promise<number>((resolve) => {
          const look = (): void => {
            const held = kind === 'cookie' ? document.cookie : localStorage.getItem('bench')
            if (held?.endsWith(value) !== true) return
            clearInterval(timer)
            resolve(performance.timeOrigin + performance.now())
          }
          const timer = setInterval(look, 2)
        }),
    })
  })
}

async function toPage(
  page: Page,
  kind: 'cookie' | 'localStorage',
  n: number,
  change: (value: string) => void,
): Promise<number> {
  const value = `down-${String(n)}.`
  const seen = page.evaluate(
    ([what, wanted]) =>
      (window as unknown as { seen(a: string, b: string): Promise<number> }).seen(what, wanted),
    [kind, value] as const,
  )
  await page.evaluate(() => 0) // the page looks by now
  const begun = clock()
  change(value)
  return (await seen) - begun
}

async function fromPage(page: Page, cell: Cell, kind: 'cookie' | 'localStorage', n: number): Promise<number> {
  const value = `up-${String(n)}.`
  const seen = whenInCell(cell, value)
  const begun = await page.evaluate(
    ([what, text]) => {
      const now = performance.timeOrigin + performance.now()
      if (what === 'cookie') document.cookie = `bench=${text}; path=/; secure`
      else localStorage.setItem('bench', text)
      return now
    },
    [kind, value] as const,
  )
  return (await seen) - begun
}

/** From when the page has the answer. */
async function fromAnswer(page: Page, cell: Cell, n: number): Promise<number> {
  const value = `answer-${String(n)}.`
  const seen = whenInCell(cell, value)
  const begun = await page.evaluate(async (text) => {
    await fetch(`/set-cookie?line=${encodeURIComponent(`bench=${text}; Path=/; Secure`)}`)
    return performance.timeOrigin + performance.now()
  }, value)
  return Math.max(0, (await seen) - begun)
}

function whenInCell(cell: Cell, value: string): Promise<number> {
  return new Promise((resolve) => {
    const stop = cell.subscribe(({ diff }) => {
      const items = diff.origins.flatMap(({ localStorage }) => localStorage)
      if (![...diff.set, ...items].some((item) => item.value === value)) return
      stop()
      resolve(clock())
    })
  })
}

function cookieOf(value: string): StateCookie {
  return {
    name: 'bench',
    value,
    domain: 'shop.test',
    path: '/',
    expires: -1,
    httpOnly: false,
    secure: true,
  }
}

async function race(ways: Record<string, (n: number) => Promise<number>>): Promise<Record<string, number[]>> {
  const entries = Object.entries(ways)
  const times = Object.fromEntries(entries.map(([name]) => [name, [] as number[]]))
  for (let n = -10; n < changes; n += 1)
    for (const [name, run] of entries) {
      await pause(Math.random() * 60)
      const time = await run(n)
      if (n >= 0) times[name]?.push(time)
    }
  return times
}

async function idle(): Promise<number> {
  await pause(500)
  const [begun, before] = [performance.now(), process.cpuUsage()]
  await pause(3_000)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / (performance.now() - begun)
}

function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

if (process.argv[1] === import.meta.filename) await benchLiveSync()
