import type { LookupAddress, LookupOptions } from 'node:dns'

/**
 * Names that lead to the shop; nothing else leads anywhere, so that no test can reach outside the machine. Besides
 * `.test` there are a few shapes that cookie rules treat in their own way: names without a dot, and names below
 * public suffixes of more than one label.
 */
export const shopNames = ['*.test', 'keycloak', 'intranet', 'github.io', '*.github.io', '*.co.uk'] as const

const address = '127.0.0.1'

export type Lookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void

/** Chromium's form of the same answer. IP addresses and `localhost` stay as they are. */
export function resolverRules(): string {
  const names = shopNames.map((name) => `MAP ${name} ${address}`)
  return [...names, 'MAP * ~NOTFOUND', 'EXCLUDE 127.*', 'EXCLUDE localhost'].join(',')
}

/** `dns.lookup` for HTTP clients: shop names are on loopback, any other name does not exist. */
export const lookup: Lookup = (hostname, options, callback) => {
  if (!leadsToShop(hostname)) {
    const error: NodeJS.ErrnoException = new Error(`getaddrinfo ENOTFOUND ${hostname}`)
    error.code = 'ENOTFOUND'
    error.syscall = 'getaddrinfo'
    process.nextTick(callback, error, '')
    return
  }
  if (options.all === true) process.nextTick(callback, null, [{ address, family: 4 }])
  else process.nextTick(callback, null, address, 4)
}

function leadsToShop(hostname: string): boolean {
  const host = hostname.toLowerCase()
  return shopNames.some((name) => (name.startsWith('*') ? host.endsWith(name.slice(1)) : host === name))
}
