import { createHash } from 'node:crypto'
import { browserProxy, browserScheme, credentialsOf, proxyOf } from '../http/wire/proxy.ts'
import type { ConnectionOptions } from '../http/wire/tls.ts'
import type { Recipe } from '../login/recipe.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import { EgressChangedError } from './account-errors.ts'
import type { VaultOptions } from './options.ts'

/** Digest of scheme, user and place of a proxy: a new password is no new proxy, another user may be another way out. */
export function proxyDigest(proxy: URL): string {
  const place = `${browserScheme(proxy)}//${credentialsOf(proxy).username}@${proxy.host}`
  return createHash('sha256').update(place).digest('hex').slice(0, 22)
}

/**
 * The recipe with its browser contexts behind the same proxy as the requests, unless it names one of its own. Browser
 * contexts take the proxy from the recipe; a password in it reaches the browser by its pipe, not its arguments.
 */
export function throughProxy(recipe: Recipe, http: ConnectionOptions = {}): Recipe {
  const url = proxyOf(http)
  if (url === undefined || recipe.context?.proxy !== undefined) return recipe
  return { ...recipe, context: { ...recipe.context, proxy: browserProxy(url) } }
}

/** By which way out requests go. */
function ofRequests(http: ConnectionOptions = {}): string {
  const url = proxyOf(http)
  return url === undefined ? 'direct' : proxyDigest(url)
}

/** By which way out the browser goes: that of the requests unless its contexts have a proxy of their own. */
function ofVisits({ context }: Recipe): string {
  const proxy = context?.proxy
  if (proxy === undefined) return 'direct'
  const url = new URL(proxy.server.includes('://') ? proxy.server : `http://${proxy.server}`)
  url.username = proxy.username ?? ''
  return proxyDigest(url)
}

/** By which way out the site has seen a login. */
export function egressOfLogin(recipe: Recipe, http: VaultOptions['http']): string {
  return recipe.signIn === undefined ? ofVisits(recipe) : ofRequests(http)
}

/**
 * Refuses a session whose requests or visits would leave by another way than its login did (what is not known of older
 * snapshots and imports is not held against them). `recipe` is one that `throughProxy` gave. Throws `EgressChangedError`.
 */
export function assertEgress(
  session: string,
  recipe: Recipe,
  { http, policy }: Pick<VaultOptions, 'http' | 'policy'>,
  stored: Pick<Snapshot, 'egress'> | undefined,
): void {
  if (policy?.egress === 'any') return
  const requests = ofRequests(http)
  const visits = ofVisits(recipe)
  const bound = stored?.egress
  if (bound !== undefined && requests !== bound)
    throw new EgressChangedError(session, bound, requests, 'requests')
  if (requests !== visits) throw new EgressChangedError(session, bound ?? visits, requests, 'requests')
}
