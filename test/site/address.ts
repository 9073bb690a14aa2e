import { type Lookup, lookup } from './dns.ts'
import type { Account } from './ledger.ts'

/** Where a running shop is and who may sign in: plain JSON, for processes that the shop does not run in. */
export interface ShopAddress {
  readonly ports: { readonly http: number; readonly https: number }
  /** PEM of the shop's own certificate authority. */
  readonly ca: string
  /** Arguments with which Chromium finds the hosts and trusts their certificates. */
  readonly browserArgs: readonly string[]
  readonly accounts: { readonly alice: Account; readonly bob: Account; readonly carol: Account }
  /** Distinctive text that is part of every secret value: session cookies, tokens, passwords, storage values. */
  readonly canary: string
}

/** The shop as its clients see it, in its own process or in another one. */
export interface ShopFront extends ShopAddress {
  /** `https://host:port/path` */
  url(host: string, path?: string): string
  /** `http://host:port/path` */
  httpUrl(host: string, path?: string): string
  /** `dns.lookup` for HTTP clients. */
  readonly lookup: Lookup
}

export function shopAt(address: ShopAddress): ShopFront {
  const { http, https } = address.ports
  return {
    ...address,
    url: (host, path = '/') => `https://${host}:${String(https)}${path}`,
    httpUrl: (host, path = '/') => `http://${host}:${String(http)}${path}`,
    lookup,
  }
}
