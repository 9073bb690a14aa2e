import { generateKey } from '../src/index.ts'
import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'

/** A new sealing key on stdout, and nothing else, so that it can be piped into a file or a secret store. */
export async function keygen(call: Call): Promise<number> {
  const key = generateKey()
  await call.screen.data({ key })
  await call.screen.result(key)
  if (process.stdout.isTTY)
    call.screen.note('Keep it in SESSIONBRIDGE_KEY or in a file of mode 0600. Without it nothing opens.')
  return exitCodes.ok
}
