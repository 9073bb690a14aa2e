import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileStore, redisStore, type Store } from '../../src/index.ts'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import { present, type CommonOptions } from './settings.ts'

/** Where the sealed sessions are kept. */
export interface StorePlace {
  /** For people; without user name and password. */
  readonly shown: string
  /** A new key may be made here: beside a folder, so that a copy of the folder alone opens nothing. None for a Redis. */
  readonly ownKeyFile: string | undefined
  /** A Redis holds names sealed, a folder as they are. */
  readonly needsKeyForNames: boolean
  open(): Store
}

/**
 * `--store`, `SESSIONBRIDGE_STORE`, or the folder where the system keeps a user's data. Throws `CommandError` for a Redis
 * that cannot be meant, and for a password on the command line, where every user of the machine can read it.
 */
export function storePlace(options: CommonOptions, env: NodeJS.ProcessEnv = process.env): StorePlace {
  const named = options.store ?? present(env['SESSIONBRIDGE_STORE'])
  if (named !== undefined && /^rediss?:/i.test(named)) return redisPlace(named, options.store !== undefined)
  const data = present(env['XDG_DATA_HOME']) ?? join(homedir(), '.local', 'share')
  const folder = named === undefined ? join(data, 'sessionbridge') : resolve(named)
  return {
    shown: folder,
    ownKeyFile: `${folder}.key`,
    needsKeyForNames: false,
    open: () => fileStore(folder),
  }
}

/** Several URLs, separated by commas, are nodes of a Cluster. */
function redisPlace(text: string, typed: boolean): StorePlace {
  const nodes = text.split(',')
  const shown = nodes.map(withoutAccess).join(',')
  if (typed && shown !== text)
    refuse('Nothing was done: a password on the command line can be read by others. Set SESSIONBRIDGE_STORE.')
  return {
    shown,
    ownKeyFile: undefined,
    needsKeyForNames: true,
    open: () => (nodes.length === 1 ? redisStore(text) : redisStore(nodes)),
  }
}

/** Throws for what is no URL of a Redis, without repeating it. */
function withoutAccess(text: string): string {
  try {
    redisStore(text)
  } catch (error) {
    if (error instanceof TypeError) refuse(`${error.message}.`)
    throw error
  }
  return text.replace(/\/\/[^/]*@/, '//')
}

function refuse(message: string): never {
  throw new CommandError('usage', exitCodes.other, message)
}
