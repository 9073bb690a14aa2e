import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { SessionbridgeError, StoreFailedError } from '../../errors.ts'

/**
 * The system calls of the file store. All are synchronous except fsync: on a local disk they take microseconds from
 * the page cache (a read of 270 kB 0.07 ms, 0.28 ms through promises), while an fsync takes as long as the disk wants.
 */

export const flush = promisify(fsync)
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
/** Far above what a snapshot may be; a bigger file is not ours. */
const MAX_BYTES = 256 * 1024 * 1024

/** Writes a new file whole (mode 0600, never through a symbolic link) and returns when it is on the disk. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = openSync(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  try {
    writeFully(file, bytes)
    await flush(file)
  } finally {
    closeSync(file)
  }
}

/** A full disk may take a part only: go on until all is written or the system says why not. */
export function writeFully(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    const count = writeSync(file, bytes, written, bytes.length - written)
    if (count === 0) throw new Error('the disk took no bytes')
    written += count
  }
}

/** Returns when the entries of the folder (links, renames) are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // folders cannot be opened there
  const folder = openSync(path, O_RDONLY)
  try {
    await flush(folder)
  } finally {
    closeSync(folder)
  }
}

/** Reads a file whole. */
export function readWhole(path: string): Buffer {
  const file = openRegular(path, O_RDONLY)
  try {
    const { size } = fstatSync(file)
    if (size > MAX_BYTES)
      throw new StoreFailedError('read', `${path} is bigger than any snapshot. Remove it.`)
    const bytes = Buffer.allocUnsafeSlow(size)
    let length = 0
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, length)
      if (count === 0) break
      length += count
    }
    return bytes.subarray(0, length)
  } finally {
    closeSync(file)
  }
}

/**
 * Opens a file that is there, and nothing else: no link, no device, no folder. `O_NONBLOCK`: opening a FIFO that lies
 * in its place must not hang.
 */
export function openRegular(path: string, flags: number): number {
  const file = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK)
  if (fstatSync(file).isFile()) return file
  closeSync(file)
  throw new StoreFailedError('read', `${path} is not a regular file. Remove it.`)
}

/** Creates the folder with mode 0700; one that is there must be a real folder, not a link to one. */
export function ensureFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !isFolder(path)) throw error
  }
}

/** False when nothing is there; throws `StoreFailedError` when it is something else than a folder. */
export function isFolder(path: string): boolean {
  const facts = lstatSync(path, { throwIfNoEntry: false })
  if (facts === undefined) return false
  if (facts.isDirectory()) return true
  const kind = facts.isSymbolicLink() ? 'a symbolic link' : 'no folder'
  throw new StoreFailedError('use its folder', `${path} is ${kind}. Remove it, or use another directory.`)
}

/** Does the work; what the system says against it becomes a `StoreFailedError` that names the operation. */
export async function attempt<T>(operation: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined || error instanceof SessionbridgeError) throw error
    const advice = ADVICE[code] ?? ''
    throw new StoreFailedError(operation, `${(error as Error).message}.${advice}`, { cause: error })
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: ' The disk is full: make room. What was stored before is as it was.',
  EDQUOT: ' The disk quota is used up: make room. What was stored before is as it was.',
  EACCES: ' This user may not: check who owns the directory.',
  EPERM: ' This user may not: check who owns the directory.',
  EROFS: ' The disk is read-only: use another directory.',
  ELOOP: ' There is a symbolic link where a file of ours belongs: remove it.',
  EMFILE: ' Too many files are open in this process.',
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}
