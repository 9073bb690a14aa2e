import type { BrowserContext, Page } from 'playwright'
import { type LiveOptions, LiveSync } from '../../../src/bridge/live/live-sync.ts'
import { Cell } from '../../../src/state/cell.ts'
import type { OriginState, StateCookie } from '../../../src/state/state.ts'

/** One write of a live sync, as `onWrite` tells it. */
export interface Write {
  readonly to: 'cell' | 'browser'
  readonly kind: 'cookie' | 'localStorage' | 'sessionStorage'
  readonly name: string
  readonly value: string | undefined
}

export interface LiveStage {
  readonly live: LiveSync
  readonly cell: Cell
  readonly writes: Write[]
}

export async function goLive(
  context: BrowserContext,
  cell: Cell = new Cell(),
  options: Partial<LiveOptions> = {},
): Promise<LiveStage> {
  const writes: Write[] = []
  const { live } = await LiveSync.begin(context, {
    cell,
    policy: {},
    onWrite: (to, kind, name, value) => writes.push({ to, kind, name, value }),
    ...options,
  })
  return { live, cell, writes }
}

export function cookie(name: string, value: string, rest: Partial<StateCookie> = {}): StateCookie {
  return {
    name,
    value,
    domain: 'shop.test',
    path: '/',
    expires: -1,
    httpOnly: false,
    secure: true,
    ...rest,
  }
}

export function cookieIn(cell: Cell, name: string): string | undefined {
  return cell.state.cookies.find((one) => one.name === name)?.value
}

/** Puts an item into the cell as another visit or a merge from the store would. */
export function setItem(
  cell: Cell,
  origin: string,
  kind: 'localStorage' | 'sessionStorage',
  name: string,
  value: string | undefined,
  by = 'test',
): void {
  const before: OriginState = cell.origin(origin) ?? { origin, localStorage: [] }
  const items = (before[kind] ?? []).filter((item) => item.name !== name)
  const next = { ...before, [kind]: value === undefined ? items : [...items, { name, value }] }
  cell.merge({ set: [], removed: [], origins: [next], removedOrigins: [] }, by)
}

export function itemIn(
  cell: Cell,
  origin: string,
  kind: 'localStorage' | 'sessionStorage',
  name: string,
): string | undefined {
  return cell.origin(origin)?.[kind]?.find((item) => item.name === name)?.value
}

/** ms; what is to come comes in less, unless the browser stands still. */
const patience = 60_000

/** Resolves with what `read` answers once it is what is wanted; asks again with each change of the cell. */
export async function whenCell<T>(cell: Cell, read: () => T, isWanted: (value: T) => boolean): Promise<T> {
  let unsubscribe: () => void = () => undefined
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const value = read()
        if (isWanted(value)) resolve(value)
      }
      unsubscribe = cell.subscribe(look)
      timer = setTimeout(() => {
        reject(new Error(`the cell still says ${String(read())}`))
      }, patience)
      look()
    })
  } finally {
    unsubscribe()
    clearTimeout(timer)
  }
}

/** Resolves when the page itself sees the cookie with this value, or gone. */
export async function whenPageCookie(page: Page, name: string, value: string | undefined): Promise<void> {
  await page.waitForFunction(
    ([wanted, is]) => {
      const pair = document.cookie.split('; ').find((one) => one.startsWith(`${wanted}=`))
      return (pair === undefined ? null : pair.slice(wanted.length + 1)) === is
    },
    [name, value ?? null] as const,
    { polling: 5, timeout: patience },
  )
}

export async function whenPageItem(
  page: Page,
  kind: 'localStorage' | 'sessionStorage',
  name: string,
  value: string | undefined,
): Promise<void> {
  await page.waitForFunction(
    ([where, key, is]) => window[where].getItem(key) === is,
    [kind, name, value ?? null] as const,
    { polling: 5, timeout: patience },
  )
}
