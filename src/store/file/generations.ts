import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { StoreConflictError, StoreFailedError } from '../../errors.ts'
import { codeOf, ensureFolder, isFolder, syncFolder, writeDurably } from './disk.ts'
import { SEALED, markMilestone, numberOf, readNewest, tidyMilestones, versionOf } from './kept.ts'
import {
  isAbandoned,
  listNumbers,
  numberedName,
  prune,
  removeFile,
  sweep,
  takeNumber,
  tidy,
} from './numbered.ts'
import { newMark } from './process-mark.ts'

/** Folders on their way in or out lie here, so that a session's own folder is there whole or not at all. */
const WORK = '.work'

/**
 * The first generation of a session: the folder is made complete elsewhere and renamed to its place, which fails when
 * somebody else's stands there already.
 */
export async function writeFirst(
  folder: string,
  bytes: Uint8Array,
  name: string,
  { nameFile, milestone }: { nameFile: string | undefined; milestone: boolean },
): Promise<string> {
  refuseIfThere(folder, name)
  const root = dirname(folder)
  const made = makeWorkFolder(root)
  try {
    await writeDurably(join(made, numberedName(1, SEALED)), bytes)
    if (nameFile !== undefined) await writeDurably(join(made, nameFile), Buffer.from(JSON.stringify(name)))
    await syncFolder(made)
    putInPlace(made, folder, name)
  } catch (error) {
    rmSync(made, { recursive: true, force: true })
    throw error
  }
  await syncFolder(root)
  if (milestone && !(await markMilestone(folder, 1))) throw new StoreConflictError(name, undefined, undefined)
  return versionOf(1, bytes)
}

/**
 * A further generation. The order makes it safe: temporary file whole and on the disk; then the check against
 * `ifVersion`, which needs the temporary file to be there already so that a folder removed and made anew meanwhile
 * cannot be mistaken for the old one; then the link; then the folder's entries on the disk; then the answer.
 */
export async function writeNext(
  folder: string,
  bytes: Uint8Array,
  name: string,
  { ifVersion, milestone }: { ifVersion: string; milestone: boolean },
): Promise<string> {
  const number = numberOf(ifVersion)
  const listing = isFolder(folder) ? listNumbers(folder, SEALED) : undefined
  if (number === undefined || listing?.numbers[0] !== number) throw conflict(folder, name, ifVersion)
  const temporary = `${newMark()}.tmp`
  try {
    sweepWork(dirname(folder))
    await tidy(folder, SEALED, listing)
    await tidyMilestones(folder)
    await writeDurably(join(folder, temporary), bytes)
    if (readNewest(folder)?.version !== ifVersion) throw conflict(folder, name, ifVersion)
    if (!takeNumber(folder, temporary, number + 1, SEALED)) throw conflict(folder, name, ifVersion)
    await prune(folder, SEALED, listNumbers(folder, SEALED))
    if (milestone && !(await markMilestone(folder, number + 1))) throw conflict(folder, name, ifVersion)
  } catch (error) {
    removeFile(join(folder, temporary))
    if (codeOf(error) === 'ENOENT') throw conflict(folder, name, ifVersion) // removed since
    throw error
  }
  return versionOf(number + 1, bytes)
}

/** Forgets all generations at once: the folder is renamed away, then deleted. */
export async function removeGenerations(folder: string): Promise<void> {
  if (!isFolder(folder)) return
  const root = dirname(folder)
  const gone = makeWorkFolder(root)
  try {
    renameSync(folder, join(gone, basename(folder)))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error // somebody else was first
  }
  rmSync(gone, { recursive: true, force: true })
  await syncFolder(root)
}

/** Changes with every write and removal; for watching. */
export function newestNumber(folder: string): number | undefined {
  return listNumbers(folder, SEALED).numbers[0]
}

/** Renaming a folder fails when another is there that is not empty; which of the reasons, one look tells. */
function putInPlace(made: string, folder: string, name: string): void {
  try {
    renameSync(made, folder)
  } catch (error) {
    refuseIfThere(folder, name)
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error
    // there a moment ago and removed since; or a folder whose generations somebody has deleted by hand
    if (!isFolder(folder)) throw new StoreConflictError(name, undefined, undefined)
    sweep(folder, listNumbers(folder, SEALED))
    try {
      renameSync(made, folder)
    } catch (again) {
      refuseIfThere(folder, name)
      const why = `${folder} holds files but no generation. Remove it.`
      throw new StoreFailedError(`write ${name}`, why, { cause: again })
    }
  }
}

function makeWorkFolder(root: string): string {
  ensureFolder(join(root, WORK))
  sweepWork(root)
  const made = join(root, WORK, newMark())
  mkdirSync(made, { mode: 0o700 })
  return made
}

/** What was removed must not lie there for long because whoever removed it was killed. */
function sweepWork(root: string): void {
  const work = join(root, WORK)
  if (!isFolder(work)) return
  for (const name of readdirSync(work))
    if (isAbandoned(work, name)) rmSync(join(work, name), { recursive: true, force: true })
}

function refuseIfThere(folder: string, name: string): void {
  const there = readNewest(folder)
  if (there !== undefined) throw new StoreConflictError(name, undefined, there.version)
}

function conflict(folder: string, name: string, ifVersion: string): StoreConflictError {
  return new StoreConflictError(name, ifVersion, readNewest(folder)?.version)
}
