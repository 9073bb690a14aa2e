/**
 * A shelf for dead letters: addresses that failed for good, kept to be asked for again. Like a store it never reads what is
 * sealed. Letters of one id are one letter: the one with the most tries counts, and one that was taken away stays away.
 *
 * - `add` resolves when the letters would survive the end of the process (Redis) or a crash of the machine (file); it throws
 *   `StoreFailedError` when the shelf is full: nothing is dropped to make room.
 * - `read` gives all letters, oldest first; what is damaged is left out and counted.
 * - `settle` takes a letter away, and with `again` puts its next version in its place.
 * - `close` releases what was opened.
 */
export interface Letters {
  add(letters: readonly SealedLetter[]): Promise<void>
  read(): Promise<{ readonly letters: readonly KeptLetter[]; readonly damaged: number }>
  settle(letter: KeptLetter, again?: SealedLetter): Promise<void>
  close(): Promise<void>
}

export interface SealedLetter {
  readonly id: string
  readonly tries: number
  /** What may be read by whoever reads the shelf; a shelf that keeps nothing in clear leaves it out. */
  readonly shown: Readonly<Record<string, string | number>>
  readonly sealed: string
}

export interface KeptLetter extends Omit<SealedLetter, 'shown'> {
  /** Opaque: where it lies on the shelf. */
  readonly places: readonly string[]
}

/** Of several versions the one with the most tries, at the places of all. */
export function newestOfEach(found: Iterable<KeptLetter>): KeptLetter[] {
  const byId = new Map<string, KeptLetter>()
  for (const letter of found) {
    const known = byId.get(letter.id)
    const places = [...(known?.places ?? []), ...letter.places]
    const newest = known !== undefined && known.tries > letter.tries ? known : letter
    byId.set(letter.id, { ...newest, places })
  }
  return [...byId.values()]
}
