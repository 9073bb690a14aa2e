import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
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
        if (codeOf(error) !== 'ENOENT') throw error // somebody else has tidied at the same time
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
    for (const line of this.#lines()) {
      const fields = fieldsOf(line)
      const { id, tries, sealed } = fields
      if (typeof fields['gone'] === 'string') gone.add(fields['gone'])
      else if (typeof id === 'string' && typeof tries === 'number' && typeof sealed === 'string')
        found.push({ id, tries, sealed, places: [] })
      else damaged += 1
    }
    return { letters: newestOfEach(found.filter(({ id }) => !gone.has(id))), damaged }
  }

  /** Again when a file was moved aside meanwhile: it was in neither place when we looked. */
  #lines(): string[] {
    for (let olds = this.#olds(); ;) {
      const lines = [...olds, this.#path].flatMap(linesOf)
      const before = new Set(olds)
      olds = this.#olds()
      if (olds.every((old) => before.has(old))) return lines
    }
  }

  /**
   * Leaves out what is gone: moves the file aside, under a name that nobody else gives, and adds what lives to a new one. Who is
   * killed in between leaves the old file beside the new one: both are read, and the next one ends the work. Two at the same
   * old file add some letters twice, which count once.
   */
  async #tidy(): Promise<void> {
    for (const old of this.#olds()) await this.#finish(old)
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
    if (size < worthTidying || this.#read().letters.length * 2 > linesOf(this.#path).length) return
    const old = `${this.#path}.${randomBytes(8).toString('hex')}.old`
    renameSync(this.#path, old)
    await this.#finish(old)
  }

  async #finish(old: string): Promise<void> {
    const wanted = new Set<unknown>(this.#read().letters.map(({ sealed }) => sealed))
    const moved = linesOf(old).map(fieldsOf)
    for (const { sealed } of linesOf(this.#path).map(fieldsOf)) wanted.delete(sealed) // somebody has moved them already
    const living = moved.filter(({ sealed }) => wanted.delete(sealed)) // each once
    // What is gone may stand in another old file.
    const gone = this.#olds().length > 1 ? moved.filter((line) => line.gone !== undefined) : []
    if (living.length + gone.length > 0) await this.#append([...living, ...gone], Infinity)
    await syncFolder(dirname(this.#path))
    unlinkSync(old)
    await syncFolder(dirname(this.#path))
  }

  #olds(): string[] {
    const [folder, name] = [dirname(this.#path), basename(this.#path)]
    const isOld = (other: string): boolean =>
      other.startsWith(`${name}.`) && /^\.[0-9a-f]{16}\.old$/.test(other.slice(name.length))
    return namesIn(folder)
      .filter(isOld)
      .map((other) => join(folder, other))
  }
}

const newLine = Buffer.from('\n')

function endsLine(file: number, size: number): boolean {
  const last = Buffer.alloc(1)
  return size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last.equals(newLine))
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
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
