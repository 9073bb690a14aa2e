import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ShopAddress } from './address.ts'
import { chromiumPath } from './chromium.ts'
import { shopNames } from './dns.ts'

/**
 * What a program needs to find the shop without knowing that it is a test: environment variables for its process, with
 * the files they name written into `directory`. So examples and commands run against the shop just as they are.
 *
 * `NODE_OPTIONS` puts the shop's names into `dns.lookup`, `NODE_EXTRA_CA_CERTS` trusts its authority, and
 * `SESSIONBRIDGE_BROWSER` is Chromium with the shop's arguments. Holds no password.
 */
export async function outfit(shop: ShopAddress, directory: string): Promise<Record<string, string>> {
  await mkdir(directory, { recursive: true })
  const [ca, dns, browser] = ['ca.pem', 'dns.mjs', 'chromium'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(ca, shop.ca)
  await writeFile(dns, dnsPreload())
  const args = shop.browserArgs.map((arg) => `'${arg}'`).join(' ')
  await writeFile(browser, `#!/bin/sh\nexec '${await chromiumPath()}' "$@" ${args}\n`, { mode: 0o700 })
  return {
    NODE_OPTIONS: `--import=${pathToFileURL(dns).href}`,
    NODE_EXTRA_CA_CERTS: ca,
    SESSIONBRIDGE_BROWSER: browser,
    SHOP: `https://shop.test:${String(shop.ports.https)}`,
  }
}

/** `net` looks `dns.lookup` up at each connection; ES modules see the change after `syncBuiltinESMExports`. */
function dnsPreload(): string {
  return `import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'

const names = ${JSON.stringify(shopNames)}
const outside = dns.lookup
const leadsToShop = (host) =>
  names.some((name) => (name.startsWith('*') ? host.endsWith(name.slice(1)) : host === name))

dns.lookup = (hostname, options, callback = options) => {
  if (!leadsToShop(String(hostname))) return outside(hostname, options, callback)
  if (options?.all === true) process.nextTick(callback, null, [{ address: '127.0.0.1', family: 4 }])
  else process.nextTick(callback, null, '127.0.0.1', 4)
}
syncBuiltinESMExports()
`
}
