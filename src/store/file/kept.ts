import { createHash } from 'node:crypto'
import { linkSync, lstatSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Generation, StoredBytes } from '../contract.ts'
import { codeOf, isFolder, readWhole, syncFolder, writeDurably } from './disk.ts'
import { KEPT, listNumbers, numberedName, prune, removeFile, tidy } from './numbered.ts'
import { newMark } from './process-mark.ts'

/**
 * The generations of a session that are kept: the two newest numbers, and a second name for each of the last ten
 * milestones, by which the file outlives the pruning of its number.
 */
export const SEALED = '.sealed'
const MILESTONE = '.milestone'
const MILESTONES = 10
/** Each further attempt means that another writer has finished two saves meanwhile. */
const READ_ATTEMPTS = 1000
/**
 * Stands in place of the previous generation once that is forgotten. The number has to stay taken: a writer that was
 * frozen before its link would find it free, and could not tell that it is late (see `takeNumber`).
 */
const FORGOTTEN = Buffer.from('forgotten 8b3f4f0e-2d53-4a6c-9d5e-6a1f0c7b9e21\n')

interface Kept extends StoredBytes {
  /** Unix milliseconds. */
  readonly writtenAt: number
}

/** Gives the newest generation, or `undefined` when there is none. */
export function readNewest(folder: string): StoredBytes | undefined {
  return readAll(folder, () => listNumbers(folder, SEALED).numbers.slice(0, 1))[0]
}

/** Gives the generation of that version if it is kept. */
export function readKept(folder: string, version: string): StoredBytes | undefined {
  const asked = numberOf(version)
  const found = readAll(folder, () => keptNumbers(folder).filter((number) => number === asked))
  return found.find((generation) => generation.version === version)
}

/** Newest first. */
export function historyOf(folder: string): Generation[] {
  return readAll(folder, () => keptNumbers(folder)).map(({ version, bytes, writtenAt }) => ({
    version,
    size: bytes.length,
    writtenAt,
  }))
}

/** Drops these generations, but never the newest. Whatever is dropped, a newer one is on the disk before. */
export async function forgetGenerations(folder: string, versions: readonly string[]): Promise<void> {
  if (!isFolder(folder)) return
  // this file proves until its renaming that the folder was not removed and made anew meanwhile
  const temporary = join(folder, `${newMark()}.tmp`)
  try {
    await tidy(folder, SEALED, listNumbers(folder, SEALED))
    await writeDurably(temporary, FORGOTTEN)
    const [newest = 0, previous] = listNumbers(folder, SEALED).numbers
    await syncFolder(folder)
    for (const version of versions) {
      const number = numberOf(version)
      if (number === undefined || number >= newest || readKept(folder, version) === undefined) continue
      removeFile(join(folder, numberedName(number, MILESTONE)))
      if (number === previous) renameSync(temporary, join(folder, numberedName(number, SEALED)))
    }
    await syncFolder(folder)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error // removed since, all of it
  } finally {
    removeFile(temporary)
  }
}

/**
 * Gives the generation of the number, which is on the disk, its second name, for good when this returns. False when
 * others wrote twice since: the number is pruned. A writer killed before leaves a generation without the mark.
 */
export async function markMilestone(folder: string, number: number): Promise<boolean> {
  try {
    linkSync(join(folder, numberedName(number, SEALED)), join(folder, numberedName(number, MILESTONE)))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
  await prune(folder, MILESTONE, listNumbers(folder, MILESTONE), MILESTONES)
  return true
}

/** See `tidy`: the mark of a writer that was killed may be one too many. */
export function tidyMilestones(folder: string): Promise<void> {
  return tidy(folder, MILESTONE, listNumbers(folder, MILESTONE), MILESTONES)
}

/** The number alone would be the same again after a removal. */
export function versionOf(number: number, bytes: Uint8Array): string {
  return `${String(number)}-${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}`
}

export function numberOf(version: string): number | undefined {
  const digits = /^([1-9]\d{0,14})-/.exec(version)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** All that are listed, in that order. */
function readAll(folder: string, list: () => readonly number[]): Kept[] {
  if (!isFolder(folder)) return []
  for (let attempt = 1; ; attempt++) {
    const found = list().map((number) => readNumber(folder, number))
    const whole = found.filter((kept) => kept !== undefined)
    // one was pruned or removed between listing and opening: look again
    if (whole.length < found.length && attempt < READ_ATTEMPTS) continue
    return whole.filter(({ bytes }) => !FORGOTTEN.equals(bytes))
  }
}

function keptNumbers(folder: string): number[] {
  const newest = listNumbers(folder, SEALED).numbers.slice(0, KEPT)
  const milestones = listNumbers(folder, MILESTONE).numbers.slice(0, MILESTONES)
  return [...new Set([...newest, ...milestones])].sort((a, b) => b - a)
}

function readNumber(folder: string, number: number): Kept | undefined {
  for (const suffix of [SEALED, MILESTONE]) {
    const path = join(folder, numberedName(number, suffix))
    try {
      const bytes = readWhole(path)
      return { bytes, version: versionOf(number, bytes), writtenAt: Math.floor(lstatSync(path).mtimeMs) }
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }
  return undefined
}
