import { fileStore } from '../src/index.ts'
import type { Call } from './terminal/call.ts'
import { CommandError, exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { fullName, unknownSession } from './vault/open-vault.ts'
import { storeFolder, type CommonOptions } from './vault/settings.ts'

export interface RemoveOptions extends CommonOptions {
  readonly yes?: boolean
}

/** Forgets a stored session. Needs no key: what can no longer be opened can still be removed. */
export async function remove(call: Call<RemoveOptions>, text: string): Promise<number> {
  const { options, screen } = call
  const name = fullName(text)
  const store = fileStore(storeFolder(options))
  const names = await store.list()
  if (!names.includes(name)) unknownSession(name, names)
  if (options.yes !== true && !(await isConfirmed(name, call.signal))) {
    await screen.data({ name, removed: false })
    screen.note('Nothing was removed.')
    return exitCodes.other
  }
  await store.remove(name)
  await screen.data({ name, removed: true })
  await screen.result(`${printable(name)}  removed here; the server was not told, it still takes the session`)
  return exitCodes.ok
}

async function isConfirmed(name: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandError(
      'usage',
      exitCodes.other,
      `Nothing was removed: say --yes to remove ${printable(name)} without a question.`,
    )
  }
  const { confirm } = await import('@clack/prompts')
  const answer = await confirm({
    message: `Remove ${printable(name)}? It cannot be brought back.`,
    initialValue: false,
    output: process.stderr,
    signal,
  })
  return answer === true
}
