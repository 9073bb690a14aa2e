/**
 * The contract of a store: a shelf for sealed bytes. A store never reads the bytes, never retries and never
 * interprets; it takes a directory or a client and does what is asked or throws `StoreFailedError`.
 *
 * Names are session names such as `shop/alice`, 1 to 200 characters, any characters (else `TypeError`); how they are
 * spelled on disk or in Redis is the store's business, reversible, and safe against `..`, separators and
 * case-insensitive disks.
 *
 * - `read` gives the newest acknowledged write whole, or `undefined`. Never a mixture, never something torn. A write
 *   that was not acknowledged because its writer died may be there or not.
 * - `write` is a compare-and-set: with `ifVersion` equal to the current version (or `undefined` when there is
 *   nothing) it replaces the bytes and gives the new version, else it throws `StoreConflictError` and changes nothing.
 *   It resolves only when a crash of the machine could no longer lose the bytes. The previous generation is kept, and
 *   so are the last ten that were written as a `milestone`.
 *   A conflict may be reported although the write took place (when others have written twice before the writer came
 *   round to see): reading, merging and writing again is right in both cases.
 * - `read` with a version gives that generation as long as it is kept, else `undefined`; `history` says which are,
 *   newest first, the newest included. `forget` drops kept generations; the newest stays whatever is asked.
 * - `remove` forgets all generations at once. Removing what is not there is no error. A writer that read before the
 *   removal gets a conflict after it: what was removed does not come back.
 * - `list` gives the names, in no order. A store that keeps no names in clear (Redis: others may read its keys) gives
 *   the `sealedName` of the last write instead.
 * - `lease` gives an exclusive right that ends by itself `ttl` milliseconds after the last renewal, or `undefined`
 *   when somebody else has it. Fencing numbers of one name only grow, also over `remove`. A holder that was frozen
 *   past its ttl learns from `renew` that it is over; until it asks, only the fence tells.
 * - `watch` calls the listener after a change by anybody (possibly late, possibly once for several), until stopped.
 *   The listener must not throw.
 * - `close` releases what the store opened itself and ends its watches. Whatever is asked afterwards throws
 *   `ClosedError`. An open store or watch keeps no process alive.
 */
export interface Store {
  read(name: string, version?: string): Promise<StoredBytes | undefined>
  history(name: string): Promise<readonly Generation[]>
  forget(name: string, versions: readonly string[]): Promise<void>
  write(name: string, bytes: Uint8Array, options: WriteOptions): Promise<string>
  remove(name: string): Promise<void>
  list(): Promise<string[]>
  /** `ttl` in whole milliseconds. */
  lease(name: string, ttl: number): Promise<Lease | undefined>
  watch(name: string, listener: () => void): () => void
  close(): Promise<void>
}

export interface StoredBytes {
  /** The caller's own: changing them changes nothing in the store. */
  readonly bytes: Uint8Array
  /** Opaque; equal only for the same generation of the same bytes. */
  readonly version: string
}

/** A generation that is still kept. */
export interface Generation {
  readonly version: string
  /** Sealed size in bytes. */
  readonly size: number
  /** Unix milliseconds, by the clock of the disk or the server. */
  readonly writtenAt: number
}

export interface WriteOptions {
  /** The version that was read, or `undefined` when nothing was there. */
  readonly ifVersion: string | undefined
  /** Unix milliseconds after which the store may forget the bytes and all earlier generations. */
  readonly expiresAt?: number
  /** Keep this generation beyond the previous one: a login, a renewal. The last ten are kept. */
  readonly milestone?: boolean
  /** The name as only the holder of the keys can read it; for stores that keep no names in clear. */
  readonly sealedName?: string
}

export interface Lease {
  /** Grows with every lease of the name. */
  readonly fence: number
  /** True and `ttl` from now if the lease is still ours; false for good once it is not. */
  renew(): Promise<boolean>
  /** Ends it now if it is still ours. */
  release(): Promise<void>
}
