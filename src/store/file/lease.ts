import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Lease } from '../contract.ts'
import { attempt, codeOf, ensureFolder, flush, openRegular, writeFully } from './disk.ts'
import { listNumbers, numberedName, prune, removeFile, takeNumber, tidy } from './numbered.ts'
import { isDead, newMark } from './process-mark.ts'

const SUFFIX = '.lease'
const HELD = 'h'
const RELEASED = 'r'
/** Times of files come in steps of a few milliseconds. */
const CLOCK_STEP_MS = 20
const RECORD = /^([hr]) (\S+) (\d+)\n/
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants

/**
 * Leases of one name: numbered files, and the number is the fence. The file is written by its holder only: its first
 * letter says held or released, its time of change is the heartbeat. Whoever wants the lease takes the next number
 * when the highest is released, its holder is dead, or its heartbeat is older than its ttl; of two takers, the link
 * lets one through. The files outlive the session, so that fences only grow.
 *
 * No machine's clock is asked. The age of a heartbeat is the difference of two times that the *file system* wrote:
 * that of the heartbeat and that of the taker's own new file. And the holder counts its ttl on its monotonic clock,
 * from before the heartbeat was written: so it always gives up before anybody else may take over.
 */
export async function acquireLease(folder: string, ttl: number): Promise<Lease | undefined> {
  ensureFolder(folder)
  await tidy(folder, SUFFIX, listNumbers(folder, SUFFIX))
  const mark = newMark()
  const temporary = `${mark}.tmp`
  const path = join(folder, temporary)
  const started = performance.now()
  const file = openSync(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  let fence: number
  try {
    writeFully(file, Buffer.from(`${HELD} ${mark} ${String(ttl)}\n`))
    const highest = newestFence(folder)
    if (highest > 0 && !isFree(join(folder, numberedName(highest, SUFFIX)), fstatSync(file).mtimeMs)) {
      removeFile(path)
      return undefined
    }
    fence = highest + 1
    await flush(file)
  } catch (error) {
    removeFile(path)
    throw error
  } finally {
    closeSync(file)
  }
  if (!takeNumber(folder, temporary, fence, SUFFIX) || newestFence(folder) !== fence) return undefined
  await prune(folder, SUFFIX, listNumbers(folder, SUFFIX))
  return new FileLease(folder, fence, ttl, started)
}

class FileLease implements Lease {
  readonly fence: number
  readonly #folder: string
  readonly #ttl: number
  /** On the monotonic clock. */
  #renewedAt: number
  #over = false

  constructor(folder: string, fence: number, ttl: number, renewedAt: number) {
    this.#folder = folder
    this.fence = fence
    this.#ttl = ttl
    this.#renewedAt = renewedAt
  }

  renew(): Promise<boolean> {
    return attempt('renew a lease', () => {
      if (!this.#over) this.#over = !this.#renewed()
      return !this.#over
    })
  }

  release(): Promise<void> {
    return attempt('release a lease', () => {
      if (!this.#over) this.#write(RELEASED)
      this.#over = true
    })
  }

  #renewed(): boolean {
    const started = performance.now()
    if (started - this.#renewedAt >= this.#ttl) return false
    if (newestFence(this.#folder) !== this.fence || !this.#write(HELD)) return false
    if (newestFence(this.#folder) !== this.fence) return false // a taker that found us expired came between
    this.#renewedAt = started
    return true
  }

  /** Into our own file, which nobody else writes; false when it was pruned. */
  #write(letter: string): boolean {
    try {
      const file = openRegular(join(this.#folder, numberedName(this.fence, SUFFIX)), O_WRONLY)
      try {
        writeSync(file, letter, 0)
      } finally {
        closeSync(file)
      }
      return true
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false
      throw error
    }
  }
}

function newestFence(folder: string): number {
  return listNumbers(folder, SUFFIX).numbers[0] ?? 0
}

/** `now` is the file system's time, Unix milliseconds. */
function isFree(path: string, now: number): boolean {
  let file: number
  try {
    file = openRegular(path, O_RDONLY)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false // pruned: somebody else holds a higher one
    throw error
  }
  try {
    const buffer = Buffer.alloc(200)
    const length = readSync(file, buffer, 0, buffer.length, 0)
    const record = RECORD.exec(buffer.toString('latin1', 0, length))
    if (record === null) return true // it came whole by link: what does not read now was damaged, and holds nothing
    const [, letter, mark, ttl] = record
    if (letter === RELEASED || isDead(mark ?? '')) return true
    return now - fstatSync(file).mtimeMs >= Number(ttl) + CLOCK_STEP_MS
  } finally {
    closeSync(file)
  }
}
