import { createHash } from 'node:crypto'

/** An address that signs the session out, as a page has linked to it. No query: those of sign-outs hold tokens. */
export interface SignOutAddress {
  /** Scheme, host and path. */
  readonly url: string
  /** Where the path does other things, too: a digest of the whole query. */
  readonly query?: string
}

const mostAddresses = 100

/** What is remembered of a link. `others`: addresses that do something else. */
export function signOutAddress(address: string, others: readonly string[] = []): SignOutAddress | undefined {
  if (!URL.canParse(address)) return undefined
  const target = new URL(address)
  if (target.protocol !== 'https:' && target.protocol !== 'http:') return undefined
  const url = placeOf(target)
  const isShared = others.some(
    (other) => URL.canParse(other) && other !== address && placeOf(new URL(other)) === url,
  )
  if (!isShared) return { url }
  // A link to where one is already, and nothing to tell the two apart.
  return target.search === '' ? undefined : { url, query: digestOf(target) }
}

/** The same list when nothing is new. */
export function addSignOuts(
  known: readonly SignOutAddress[],
  found: readonly SignOutAddress[],
): readonly SignOutAddress[] {
  const added = found.filter(
    ({ url, query }, index) =>
      !known.some((one) => one.url === url && one.query === query) &&
      found.findIndex((one) => one.url === url && one.query === query) === index,
  )
  return added.length === 0 ? known : [...known, ...added].slice(-mostAddresses)
}

export function isSignOut(target: URL, known: readonly SignOutAddress[]): boolean {
  return known.some(
    ({ url, query }) => url === placeOf(target) && (query === undefined || query === digestOf(target)),
  )
}

function placeOf({ origin, pathname }: URL): string {
  return origin + pathname
}

function digestOf({ search }: URL): string {
  return createHash('sha256').update(search).digest('base64url').slice(0, 16)
}
