import { jsonlLetters, redisLetters, type Letters } from '../../src/index.ts'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import { present } from './settings.ts'

/** The shelf of dead letters that is named, or that `SESSIONBRIDGE_LETTERS` names. Throws `CommandError`. */
export function openLetters(
  named: string | undefined,
  stream: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Letters {
  const place = named ?? present(env['SESSIONBRIDGE_LETTERS'])
  if (place === undefined)
    refuse('retry takes the file of the dead letters, or the URL of a Redis; or set SESSIONBRIDGE_LETTERS.')
  if (!/^rediss?:/i.test(place)) return jsonlLetters(place)
  if (named !== undefined && /\/\/[^/]*@/.test(place))
    refuse(
      'Nothing was done: a password on the command line can be read by others. Set SESSIONBRIDGE_LETTERS.',
    )
  const nodes = place.split(',')
  try {
    return redisLetters(nodes.length === 1 ? place : nodes, { ...(stream !== undefined && { stream }) })
  } catch (error) {
    if (error instanceof TypeError) refuse(`${error.message}.`)
    throw error
  }
}

function refuse(message: string): never {
  throw new CommandError('usage', exitCodes.other, message)
}
