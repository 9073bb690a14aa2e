import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import { printable } from '../terminal/screen.ts'
import { stdin } from '../terminal/stdin.ts'

/** As much as `parseState` reads. */
const longestFile = 64 * 1024 * 1024

/** The text of a file (or of stdin, `-`), and which file it is on the disk. */
export interface InputFile {
  /** For messages. */
  readonly place: string
  readonly text: string
  /** Device and inode of a regular file: one file may have many names. */
  readonly identity: string | undefined
}

/** Throws `CommandError` when it cannot be read, is too large, or is no text. */
export async function readInputFile(path: string, signal: AbortSignal): Promise<InputFile> {
  const place = path === '-' ? 'stdin' : printable(path)
  const file = path === '-' ? undefined : await openFile(path, place)
  try {
    const identity = await identityOf(file)
    return { place, text: textOf(await readBounded(file ?? stdin(signal), place), place), identity }
  } finally {
    await file?.close()
  }
}

async function openFile(path: string, place: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY)
  } catch (error) {
    throw unreadable(place, error)
  }
}

function unreadable(place: string, error: unknown): CommandError {
  const { code = 'unreadable' } = error as NodeJS.ErrnoException
  return new CommandError('usage', exitCodes.other, `${place} cannot be read (${code}).`)
}

async function identityOf(file: FileHandle | undefined): Promise<string | undefined> {
  const { fstatSync } = await import('node:fs')
  try {
    const stats = fstatSync(file?.fd ?? 0, { bigint: true })
    return stats.isFile() ? `${String(stats.dev)}:${String(stats.ino)}` : undefined
  } catch {
    return undefined // a closed stdin: there is nothing to be overwritten
  }
}

async function readBounded(file: FileHandle | Readable, place: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of 'createReadStream' in file
      ? file.createReadStream({ autoClose: false })
      : file) {
      chunks.push(chunk as Buffer)
      length += (chunk as Buffer).length
      if (length > longestFile) break
    }
  } catch (error) {
    throw unreadable(place, error)
  }
  if (length > longestFile)
    throw new CommandError('usage', exitCodes.other, `${place} is larger than 64 MiB.`)
  return Buffer.concat(chunks)
}

/** UTF-8, or UTF-16 as Windows' shells write it. Other bytes would become question marks inside of cookies. */
function textOf(bytes: Buffer, place: string): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new CommandError('usage', exitCodes.other, `${place} is not text in UTF-8.`)
  }
}
