import { createHash } from 'node:crypto'
import { proxyDigest } from '../egress.ts'
import type { LedgerPage } from '../ledger.ts'

export interface Proxy {
  readonly url: string
  /** Digest of scheme, user and place: a new password is no new proxy. */
  readonly id: string
}

/** A proxy that did not open the way is left alone for so long, ms, and twice as long each further time. */
const restsFor = 15_000
const restsAtMost = 600_000

/**
 * Gives each session a proxy by rendezvous hashing: every process comes to the same one, and taking a proxy out of the list
 * moves its sessions and no others. What a session has once is written down and kept: a new proxy in the list draws none.
 */
export class Proxies {
  #list: readonly Proxy[]
  readonly #busy = new Map<string, number>()
  readonly #rests = new Map<string, { readonly until: number; readonly times: number }>()

  constructor(urls: readonly string[]) {
    this.#list = toProxies(urls)
  }

  replace(urls: readonly string[]): void {
    this.#list = toProxies(urls)
  }

  /** True when a session on this proxy need not move. */
  has(id: string | undefined): boolean {
    return id === undefined ? this.#list.length === 0 : this.#list.some((proxy) => proxy.id === id)
  }

  /** `undefined` when the pool has no proxies. */
  for(session: string, page: LedgerPage | undefined): Proxy | undefined {
    return this.#list.find(({ id }) => id === page?.proxy) ?? nearest(session, this.#list)
  }

  /** How many uses run through it; `Infinity` while it rests. */
  load({ id }: Proxy): number {
    const rest = this.#rests.get(id)
    return rest !== undefined && rest.until > performance.now() ? Infinity : (this.#busy.get(id) ?? 0)
  }

  began({ id }: Proxy): void {
    this.#busy.set(id, (this.#busy.get(id) ?? 0) + 1)
  }

  ended({ id }: Proxy, outcome: 'good' | 'failed' | 'unknown'): void {
    this.#busy.set(id, Math.max((this.#busy.get(id) ?? 0) - 1, 0))
    if (outcome === 'good') this.#rests.delete(id)
    if (outcome !== 'failed') return
    const times = (this.#rests.get(id)?.times ?? 0) + 1
    const wait = Math.min(restsFor * 2 ** (times - 1), restsAtMost)
    this.#rests.set(id, { until: performance.now() + wait, times })
  }
}

/** The proxy with the highest score for this session. */
export function nearest(session: string, proxies: readonly Proxy[]): Proxy | undefined {
  let best: { readonly proxy: Proxy; readonly score: string } | undefined
  for (const proxy of proxies) {
    const score = digest(`${session}\0${proxy.id}`)
    if (best === undefined || score > best.score) best = { proxy, score }
  }
  return best?.proxy
}

export function toProxies(urls: readonly string[]): Proxy[] {
  return urls.map((url) => ({ url, id: proxyDigest(new URL(url)) }))
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
