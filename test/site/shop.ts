import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ShopAddress, type ShopFront, shopAt } from './address.ts'
import { apiRoutes } from './api.ts'
import { createAuthority } from './certificates.ts'
import { resolverRules } from './dns.ts'
import { identityRoutes } from './identity-provider.ts'
import { type Counters, createLedger } from './ledger.ts'
import { pageRoutes } from './pages.ts'
import { type Routes, startServer } from './server.ts'
import { neighbourRoutes } from './tracker.ts'
import { workbenchRoutes } from './workbench.ts'

export const hosts = [
  'shop.test',
  'api.shop.test',
  'id.test',
  'cdn.tracker.test',
  'help.shop.test',
  'widget.test',
] as const

/**
 * A small real web application on loopback with real host names. Any name below `.test` leads to it (see `dns.ts` for
 * the others); `/echo`, `/redirect`, `/set-cookie`, `/blank`, `/stuck` and `/seed` answer on each of them, and
 * `o1.many.test` … `o50.many.test` are there for tests that need many origins (`manyHosts`).
 */
export interface Shop extends ShopFront {
  readonly hosts: typeof hosts
  /** For processes of their own: `shopAt(address)`. */
  readonly address: ShopAddress
  readonly counters: Counters
  /** All sessions of the account (default: of everybody) die on the server, tokens included. */
  revoke(account?: 'alice' | 'bob' | 'carol'): void
  /** All bearer tokens die now; their sessions live on, and their pages may fetch new ones. */
  expireTokens(): void
  /** Milliseconds that a bearer token lives from now on; default one hour. */
  setTokenLife(ms: number): void
  /** The cookie `rot` changes on every so-manieth answer (default 25); strict: an outdated value ends the session. */
  setRotation(options: { every?: number; strict?: boolean }): void
  /** A route of the test's own, before all others; host `*` is every host, path `/first/*` everything below. */
  on(
    host: string,
    path: string,
    handler: (req: IncomingMessage, res: ServerResponse) => void | Promise<void>,
  ): void
  close(): Promise<void>
}

export interface ShopOptions {
  /** Answers https clients that ask for it in HTTP/2; default false. */
  readonly http2?: boolean
  /** Default: any free ones. */
  readonly ports?: { readonly http: number; readonly https: number }
}

export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const ledger = createLedger()
  const authority = await createAuthority()
  const server = await startServer({
    authority,
    routes: mergeRoutes([
      apiRoutes(ledger),
      pageRoutes(ledger),
      identityRoutes(ledger),
      neighbourRoutes(ledger),
      workbenchRoutes,
    ]),
    http2: options.http2 ?? false,
    ports: options.ports ?? { http: 0, https: 0 },
    count: () => {
      ledger.counters.requests += 1
    },
  })
  const address: ShopAddress = {
    ports: server.ports,
    ca: authority.ca,
    browserArgs: [
      `--host-resolver-rules=${resolverRules()}`,
      `--ignore-certificate-errors-spki-list=${authority.spki}`,
    ],
    accounts: ledger.accounts,
    canary: ledger.canary,
  }
  return {
    ...shopAt(address),
    hosts,
    address,
    counters: ledger.counters,
    revoke: (account) => {
      ledger.revoke(account)
    },
    expireTokens: () => {
      ledger.expireTokens()
    },
    setTokenLife: (ms) => {
      ledger.tokenLife = ms
    },
    setRotation: ({ every, strict }) => {
      ledger.rotateEvery = every ?? ledger.rotateEvery
      ledger.strictRotation = strict ?? ledger.strictRotation
    },
    on: (host, path, handler) => {
      server.add(host, path, ({ req, res }) => handler(req, res))
    },
    close: () => server.close(),
  }
}

/** Host names of `count` origins of one site. */
export function manyHosts(count = 50): string[] {
  return Array.from({ length: count }, (_, index) => `o${String(index + 1)}.many.test`)
}

function mergeRoutes(parts: readonly Routes[]): Routes {
  const merged: Record<string, Record<string, Routes[string][string]>> = {}
  for (const part of parts) {
    for (const [host, paths] of Object.entries(part)) merged[host] = { ...merged[host], ...paths }
  }
  return merged
}
