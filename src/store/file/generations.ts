import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { StoreConflictError, StoreFailedError } from '../../errors.ts'
import type { StoredBytes } from '../contract.ts'
import { codeOf, ensureFolder, isFolder, readWhole, syncFolder, writeDurably } from './disk.ts'
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

const SUFFIX = '.sealed'
/** Folders on their way in or out lie here, so that a session's own folder is there whole or not at all. */
const WORK = '.work'
/** Each further attempt means that another writer has finished two saves meanwhile. */
const READ_ATTEMPTS = 1000

/** Gives the generation of the rank (0: newest, 1: the one before), or `undefined` when there is none. */
export function readGeneration(folder: string, rank: number): StoredBytes | undefined {
  if (!isFolder(folder)) return undefined
  for (let attempt = 1; ; attempt++) {
    const number = listNumbers(folder, SUFFIX).numbers[rank]
    if (number === undefined) return undefined
    try {
      const bytes = readWhole(join(folder, numberedName(number, SUFFIX)))
      return { bytes, version: versionOf(number, bytes) }
    } catch (error) {
      // pruned or removed between listing and opening: look again
      if (codeOf(error) !== 'ENOENT' || attempt >= READ_ATTEMPTS) throw error
    }
  }
}

/**
 * The first generation of a session: the folder is made complete elsewhere and renamed to its place, which fails when
 * somebody else's stands there already.
 */
export async function writeFirst(
  folder: string,
  bytes: Uint8Array,
  name: string,
  nameFile: string | undefined,
): Promise<string> {
  refuseIfThere(folder, name)
  const root = dirname(folder)
  const made = makeWorkFolder(root)
  try {
    await writeDurably(join(made, numberedName(1, SUFFIX)), bytes)
    if (nameFile !== undefined) await writeDurably(join(made, nameFile), Buffer.from(JSON.stringify(name)))
    await syncFolder(made)
    putInPlace(made, folder, name)
  } catch (error) {
    rmSync(made, { recursive: true, force: true })
    throw error
  }
  await syncFolder(root)
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
  ifVersion: string,
): Promise<string> {
  const number = numberOf(ifVersion)
  const listing = isFolder(folder) ? listNumbers(folder, SUFFIX) : undefined
  if (number === undefined || listing?.numbers[0] !== number) throw conflict(folder, name, ifVersion)
  const temporary = `${newMark()}.tmp`
  try {
    await tidy(folder, SUFFIX, listing)
    await writeDurably(join(folder, temporary), bytes)
  } catch (error) {
    removeFile(join(folder, temporary))
    if (codeOf(error) === 'ENOENT') throw conflict(folder, name, ifVersion)
    throw error
  }
  if (readGeneration(folder, 0)?.version !== ifVersion) {
    removeFile(join(folder, temporary))
    throw conflict(folder, name, ifVersion)
  }
  if (!takeNumber(folder, temporary, number + 1, SUFFIX)) throw conflict(folder, name, ifVersion)
  try {
    await prune(folder, SUFFIX, listNumbers(folder, SUFFIX))
  } catch (error) {
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
  return listNumbers(folder, SUFFIX).numbers[0]
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
    sweep(folder, listNumbers(folder, SUFFIX))
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
  const work = join(root, WORK)
  ensureFolder(work)
  for (const name of readdirSync(work))
    if (isAbandoned(work, name)) rmSync(join(work, name), { recursive: true, force: true })
  const made = join(work, newMark())
  mkdirSync(made, { mode: 0o700 })
  return made
}

function refuseIfThere(folder: string, name: string): void {
  const there = readGeneration(folder, 0)
  if (there !== undefined) throw new StoreConflictError(name, undefined, there.version)
}

function conflict(folder: string, name: string, ifVersion: string): StoreConflictError {
  return new StoreConflictError(name, ifVersion, readGeneration(folder, 0)?.version)
}

/** The number alone would be the same again after a removal. */
function versionOf(number: number, bytes: Uint8Array): string {
  return `${String(number)}-${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}`
}

function numberOf(version: string): number | undefined {
  const digits = /^([1-9]\d{0,14})-/.exec(version)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
