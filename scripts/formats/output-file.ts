import { randomBytes } from 'node:crypto'
import { fstatSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import { printable } from '../terminal/screen.ts'
import type { InputFile } from './input-file.ts'

/**
 * Refuses to write where it is read from: under its own name, through a link, or by a redirection of the shell. Asked
 * before anything is written; throws `CommandError`.
 */
export async function assertOther(out: string | undefined, input: InputFile): Promise<void> {
  const target = out === undefined ? redirection() : await existing(out)
  if (target === undefined || target !== input.identity) return
  throw new CommandError(
    'refused',
    exitCodes.refused,
    `The result would be written over ${input.place}: an input file is never rewritten. Name another file.`,
  )
}

function redirection(): string | undefined {
  try {
    const stats = fstatSync(1, { bigint: true })
    return stats.isFile() ? `${String(stats.dev)}:${String(stats.ino)}` : undefined
  } catch {
    return undefined
  }
}

async function existing(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined)
  if (stats === undefined) return undefined
  if (stats.isFile()) return `${String(stats.dev)}:${String(stats.ino)}`
  throw new CommandError('usage', exitCodes.other, `${printable(path)} is not a regular file.`)
}

/** A whole new file that only its owner reads, put in the place of whatever was there. Throws `CommandError`. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    throw new CommandError('usage', exitCodes.other, `${printable(path)} cannot be written (${code}).`)
  }
}
