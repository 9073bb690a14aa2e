import { linkSync, lstatSync, readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { StoreFailedError } from '../../errors.ts'
import { codeOf, syncFolder } from './disk.ts'
import { isDead } from './process-mark.ts'

/**
 * A folder of files `1.sealed`, `2.sealed`, … of which only the highest few are kept. Taking the next number is
 * `link(temporary file, number)`: it fails when the number is taken, so it is a compare-and-set between processes
 * that needs no lock and leaves nothing behind in a crash. A number is never torn: the file is whole before it gets
 * its name. Generations (`.sealed`) and leases (`.lease`) are both kept like this.
 */
export interface Listing {
  /** Highest first. */
  readonly numbers: readonly number[]
  readonly temporary: readonly string[]
}

/** The newest and the one before. */
export const KEPT = 2
/** A temporary file of somebody whose life we cannot see is given up after this time. */
const ABANDONED_MS = 3_600_000
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

export function numberedName(number: number, suffix: string): string {
  return `${String(number)}${suffix}`
}

/** Empty when the folder does not exist. */
export function listNumbers(folder: string, suffix: string): Listing {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { numbers: [], temporary: [] }
    throw error
  }
  const numbers: number[] = []
  const temporary: string[] = []
  for (const name of names) {
    if (name.endsWith('.tmp')) temporary.push(name)
    else if (name.endsWith(suffix)) {
      const number = name.slice(0, -suffix.length)
      if (/^[1-9]\d{0,14}$/.test(number)) numbers.push(Number(number))
    }
  }
  return { numbers: numbers.sort((a, b) => b - a), temporary }
}

/**
 * Gives the temporary file the number `next`, if it is free and was free all the time. False when somebody else was
 * first; true does not yet mean that it survives a crash of the machine. The temporary file is gone afterwards.
 *
 * A writer that was frozen before the link may find its number free again because it was taken and pruned since; but
 * then a number `KEPT` above it exists. The same answer is given when others went so far ahead right after our link:
 * false although the file took its place. Callers read, merge and write again, which is right in both cases.
 */
export function takeNumber(folder: string, temporary: string, next: number, suffix: string): boolean {
  try {
    linkSync(join(folder, temporary), join(folder, numberedName(next, suffix)))
  } catch (error) {
    const code = codeOf(error)
    // ENOENT: the folder was removed, or our temporary file was swept as abandoned
    if (code === 'EEXIST' || code === 'ENOENT') return false
    if (code !== undefined && NO_LINKS.has(code)) {
      const why = `the file system of ${folder} has no hard links (${code}). Use a directory on a local disk.`
      throw new StoreFailedError('take a generation', why, { cause: error })
    }
    throw error
  } finally {
    removeFile(join(folder, temporary))
  }
  const highest = listNumbers(folder, suffix).numbers[0] ?? 0
  return highest >= next && highest < next + KEPT
}

/**
 * Removes what writers left that were killed: their temporary files, and the numbers that they did not come round to
 * prune. Done before a new temporary file is made. So whoever is killed when, and however often, there is never more
 * left over than one temporary file and one number too many.
 */
export async function tidy(folder: string, suffix: string, listing: Listing, kept = KEPT): Promise<void> {
  sweep(folder, listing)
  if (listing.numbers.length > kept) await prune(folder, suffix, listing, kept)
}

/**
 * Makes durable what is listed, then removes the numbers that are too old. In this order: the number that replaces an
 * old one may be there by the link of a writer that was killed before it could sync.
 */
export async function prune(
  folder: string,
  suffix: string,
  { numbers }: Listing,
  kept = KEPT,
): Promise<void> {
  await syncFolder(folder)
  for (const number of numbers.slice(kept)) removeFile(join(folder, numberedName(number, suffix)))
}

/** Removes the temporary files of dead writers. */
export function sweep(folder: string, { temporary }: Listing): void {
  for (const name of temporary) if (isAbandoned(folder, name)) removeFile(join(folder, name))
}

/** True when the writer that `name` is marked with is dead, or has not been heard of for an hour. */
export function isAbandoned(folder: string, name: string): boolean {
  if (isDead(name)) return true
  const facts = lstatSync(join(folder, name), { throwIfNoEntry: false })
  return facts !== undefined && Date.now() - facts.mtimeMs > ABANDONED_MS
}

export function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}
