import type { Call } from './terminal/call.ts'
import { CommandError, exitCodes, failureOf } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { fullName, openVault, unknownSession } from './vault/open-vault.ts'
import { storedNames } from './vault/session-names.ts'
import type { CommonOptions } from './vault/settings.ts'
import { storePlace } from './vault/store-place.ts'

export interface RemoveOptions extends CommonOptions {
  readonly yes?: boolean
  readonly everywhere?: boolean
}

/**
 * Forgets a stored session. Needs no key: what can no longer be opened can still be removed. With the key it is written
 * down that it is gone, so that a process that has it open does not write it back; `--everywhere` needs that.
 */
export async function remove(call: Call<RemoveOptions>, text: string): Promise<number> {
  const { options, screen } = call
  const name = fullName(text)
  const names = await storedNames(call)
  if (!names.includes(name)) unknownSession(name, names)
  if (options.yes !== true && !(await isConfirmed(name, call.signal))) {
    await screen.data({ name, removed: false })
    screen.note('Nothing was removed.')
    return exitCodes.other
  }
  await removeFrom(call, name)
  await screen.data({ name, removed: true })
  await screen.result(`${printable(name)}  removed here; the server was not told, it still takes the session`)
  return exitCodes.ok
}

async function removeFrom(call: Call<RemoveOptions>, name: string): Promise<void> {
  const { everywhere = false } = call.options
  try {
    await (await openVault(call)).remove(name, { everywhere })
  } catch (error) {
    const { code } = failureOf(error)
    if (everywhere || (code !== 'key-invalid' && code !== 'snapshot-unreadable')) throw error
    await storePlace(call.options).open().remove(name)
    call.screen.note('Without its key nobody is told: a process that has it open may write it back.')
  }
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
