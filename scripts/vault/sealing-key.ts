import { constants } from 'node:fs'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { randomUUID } from 'node:crypto'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import { present } from './settings.ts'

export interface KeyPlace {
  /** From `--key-file`. */
  readonly keyFile: string | undefined
  /** The file beside the store, where it has one. */
  readonly ownKeyFile: string | undefined
  readonly env: NodeJS.ProcessEnv
}

/**
 * The sealing keys: `--key-file`, `SESSIONBRIDGE_KEY`, or the file beside the store. Several keys, one per line: the
 * first seals, all open. `undefined` when none is set and there is no file. Never from the command line, where every
 * user of the machine can read it.
 */
export async function findKeys(place: KeyPlace): Promise<string[] | undefined> {
  if (place.keyFile !== undefined) {
    return (await readKeyFile(place.keyFile)) ?? refuse(`There is no key file at ${place.keyFile}.`)
  }
  const fromEnvironment = present(place.env['SESSIONBRIDGE_KEY'])
  if (fromEnvironment !== undefined) return fromEnvironment.split(/[\s,]+/).filter((key) => key !== '')
  return place.ownKeyFile === undefined ? undefined : readKeyFile(place.ownKeyFile)
}

/**
 * Writes a new key beside the store, mode 0600, and gives what stands there afterwards: of two commands that begin at
 * the same moment one wins, and both must seal with the winner's key.
 */
export async function createKeyFile(path: string, key: string): Promise<string[]> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeNew(path, `${key}\n`)
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST')
      return refuse(
        `The key file ${path} cannot be made (${code}): choose another --store, or set SESSIONBRIDGE_KEY.`,
      )
  }
  return (await readKeyFile(path)) ?? refuse(`The key file ${path} went away while it was made.`)
}

/** Whole or not at all, and never over what is there: then it throws EEXIST. */
async function writeNew(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
    await link(draft, path) // unlike rename, does not replace
  } finally {
    await file.close()
    await rm(draft, { force: true })
  }
}

async function readKeyFile(path: string): Promise<string[] | undefined> {
  let file
  try {
    file = await open(path, constants.O_RDONLY)
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    return refuse(`The key file ${path} cannot be read (${code}): choose another --key-file or --store.`)
  }
  try {
    const { mode, size } = await file.stat()
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      return refuse(`The key file ${path} can be read by others: run "chmod 600 ${path}".`)
    if (size > 65_536) return refuse(`The key file ${path} is not a key file: it is too large.`)
    const keys = (await file.readFile('utf8')).split(/\s+/).filter((key) => key !== '')
    return keys.length > 0
      ? keys
      : refuse(`The key file ${path} is empty: put a key there with "sessionbridge keygen".`)
  } catch (error) {
    if (error instanceof CommandError) throw error
    return refuse(
      `The key file ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`,
    )
  } finally {
    await file.close()
  }
}

function refuse(message: string): never {
  throw new CommandError('key-invalid', exitCodes.store, message)
}
