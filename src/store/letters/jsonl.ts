import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { StoreFailedError } from '../../errors.ts'
import { attempt, codeOf, flush, openRegular, syncFolder, writeFully } from '../file/disk.ts'
import { newestOfEach, type KeptLetter, type Letters, type SealedLetter } from './contract.ts'

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants
/** A file that is mostly letters that are gone is written anew from this size on, bytes. */
const worthTidying = 64 * 1024

/**
 * A file of one JSON object a line, that any number of processes add to: letters, and words that one is gone. Nothing in it
 * is ever changed, so a crash can only cut the last line short, which then counts as damaged.
 */
export class JsonlLetters implements Letters {
  readonly #path: string
  readonly #maxBytes: number

  constructor(path: string, maxBytes: number) {
    this.#path = path
    this.#maxBytes = maxBytes
  }

  add(letters: readonly SealedLetter[]): Promise<void> {
    return attempt('keep a dead letter', () =>
      this.#append(
        letters.map(({ id, tries, shown, sealed }) => ({ id, tries, ...shown, sealed })),
        this.#maxBytes,
      ),
    )
  }

  read(): Promise<{ letters: KeptLetter[]; damaged: number }> {
    return attempt('read the dead letters', () => this.#read())
  }

  settle(letter: KeptLetter, again?: SealedLetter): Promise<void> {
    return attempt('settle a dead letter', async () => {
      // Also when the file is full: this is what empties it.
      if (again === undefined) await this.#append([{ gone: letter.id }], Infinity)
      else
        await this.#append(
          [{ id: again.id, tries: again.tries, ...again.shown, sealed: again.sealed }],
          Infinity,
        )
    })
  }

  close(): Promise<void> {
    return attempt('tidy the dead letters', async () => {
      try {
        await this.#tidy()
      } catch (error) {
        // Somebody else tidies at the same time; letters that stand there twice count once.
        if (codeOf(error) !== 'EEXIST' && codeOf(error) !== 'ENOENT') throw error
      }
    })
  }

  async #append(lines: readonly object[], maxBytes: number): Promise<void> {
    const text = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    for (;;) {
      const file = openSync(this.#path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
      try {
        const facts = fstatSync(file)
        if (!facts.isFile())
          throw new StoreFailedError('keep a dead letter', `${this.#path} is not a regular file.`)
        if (facts.size + text.length > maxBytes) throw full(this.#path, maxBytes)
        // A line that a crash has cut short must not swallow ours.
        writeFully(file, endsLine(file, facts.size) ? text : Buffer.concat([newLine, text]))
        await flush(file)
        if (facts.size === 0) await syncFolder(dirname(this.#path))
        const there = statSync(this.#path, { throwIfNoEntry: false })
        if (there?.ino === facts.ino && there.dev === facts.dev) return
        // Somebody has put a tidied file in its place meanwhile, and may not have seen our lines.
      } finally {
        closeSync(file)
      }
    }
  }

  #read(): { letters: KeptLetter[]; damaged: number } {
    const gone = new Set<string>()
    const found: KeptLetter[] = []
    let damaged = 0
    for (const line of [...linesOf(this.#old()), ...linesOf(this.#path)]) {
      const fields = fieldsOf(line)
      const { id, tries, sealed } = fields
      if (typeof fields['gone'] === 'string') gone.add(fields['gone'])
      else if (typeof id === 'string' && typeof tries === 'number' && typeof sealed === 'string')
        found.push({ id, tries, sealed, places: [] })
      else damaged += 1
    }
    return { letters: newestOfEach(found.filter(({ id }) => !gone.has(id))), damaged }
  }

  /** Leaves out what is gone. Who is killed in between leaves the old file beside the new one, and both are read. */
  async #tidy(): Promise<void> {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
    const isUnfinished = statSync(this.#old(), { throwIfNoEntry: false }) !== undefined
    if (!isUnfinished) {
      if (size < worthTidying || this.#read().letters.length * 2 > linesOf(this.#path).length) return
      linkSync(this.#path, this.#old())
      unlinkSync(this.#path)
    }
    const kept = new Set(this.#read().letters.map(({ sealed }) => sealed))
    const lines = linesOf(this.#old()).map(fieldsOf)
    const living = lines.filter(({ sealed }) => typeof sealed === 'string' && kept.has(sealed))
    if (living.length > 0) await this.#append(living, Infinity)
    await syncFolder(dirname(this.#path))
    unlinkSync(this.#old())
    await syncFolder(dirname(this.#path))
  }

  #old(): string {
    return `${this.#path}.old`
  }
}

const newLine = Buffer.from('\n')

function endsLine(file: number, size: number): boolean {
  const last = Buffer.alloc(1)
  return size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last.equals(newLine))
}

function linesOf(path: string): string[] {
  let file: number
  try {
    file = openRegular(path, constants.O_RDONLY)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  } finally {
    closeSync(file)
  }
}

function fieldsOf(line: string): { id?: unknown; tries?: unknown; sealed?: unknown; gone?: unknown } {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function full(path: string, maxBytes: number): StoreFailedError {
  const why = `${path} is full (${String(maxBytes)} bytes). Retry what is in it, or allow more.`
  return new StoreFailedError('keep a dead letter', why)
}
