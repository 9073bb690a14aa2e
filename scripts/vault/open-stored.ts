import type { Session } from '../../src/index.ts'
import type { Call } from '../terminal/call.ts'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import { readNetwork, timeoutOf } from './network.ts'
import { fullName, openVault, unknownSession } from './open-vault.ts'
import type { CommonOptions, NetworkOptions } from './settings.ts'

/** A stored session, opened for use, without a login and without asking the server first. */
export async function openStored(call: Call<CommonOptions & NetworkOptions>, text: string): Promise<Session> {
  const name = fullName(text)
  const { http } = await readNetwork(call.options)
  // The first answer tells whether it is alive; a probe before every request would double the waiting.
  const vault = await openVault(call, {
    http: { ...http, ...timeoutOf(call.options) },
    policy: { freshFor: Number.POSITIVE_INFINITY },
  })
  const names = await vault.list()
  if (!names.includes(name)) unknownSession(name, names)
  const at = name.indexOf('/')
  const account = name.slice(at + 1)
  if (account.includes('/')) {
    throw new CommandError('usage', exitCodes.other, 'A session is named recipe/account, with one stroke.')
  }
  // Its recipe is not at hand, and none is needed where nobody signs in.
  const recipe = { name: name.slice(0, at), url: 'https://unknown.invalid/' }
  return vault.open(recipe, { account, login: 'never', signal: call.signal })
}
