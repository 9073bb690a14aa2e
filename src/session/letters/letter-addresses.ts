import type { SealingKeys } from '../../snapshot/keys.ts'
import type { Letters } from '../../store/letters/contract.ts'
import type { Address, Addresses } from '../map/addresses.ts'
import { failureFacts, readLetters, sealLetter, type DeadLetter } from './dead-letter.ts'

/** The letters of a session that are there now; each leaves its shelf when it is done, and stays with one try more when not. */
export async function letterAddresses(
  letters: Letters,
  { session, keys }: { readonly session: string; readonly keys: SealingKeys },
): Promise<Addresses> {
  const all = (await readLetters(letters, keys)).letters.filter((letter) => letter.session === session)
  const byIndex = new Map<number, DeadLetter>(all.entries())
  let next = 0
  return {
    next(): Promise<Address | undefined> {
      const index = next++
      const letter = byIndex.get(index)
      return Promise.resolve(letter && { url: letter.url, index })
    },
    async settled({ index }, failure) {
      const letter = byIndex.get(index)
      if (letter === undefined) return
      if (failure === undefined) return letters.settle(letter.kept)
      const { url, job, id, tries } = letter
      const facts = {
        url,
        session,
        at: Date.now(),
        ...failureFacts(failure.error),
        ...(job !== undefined && { job }),
      }
      return letters.settle(letter.kept, sealLetter(facts, keys, id, tries + 1))
    },
    close: () => Promise.resolve(),
  }
}
