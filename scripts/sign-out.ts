import type { Recipe } from '../src/index.ts'
import { loadRecipe } from './recipe/load.ts'
import type { Call } from './terminal/call.ts'
import { CommandError, exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { readNetwork, timeoutOf } from './vault/network.ts'
import { fullName, openVault, unknownSession } from './vault/open-vault.ts'
import type { CommonOptions, NetworkOptions } from './vault/settings.ts'

export interface SignOutOptions extends CommonOptions, NetworkOptions {
  readonly recipe?: string
  readonly post?: string
}

/** Ends the session on the server and forgets all copies: 0 ended, 1 unproven. */
export async function signOut(call: Call<SignOutOptions>, text: string): Promise<number> {
  const { options, signal } = call
  const name = fullName(text)
  const at = name.indexOf('/')
  const way = await wayOf(options)
  const { http } = await readNetwork(options)
  const vault = await openVault(call, { http: { ...http, ...timeoutOf(options) } })
  const names = await vault.list()
  if (!names.includes(name)) unknownSession(name, names)
  const recipe = { name: name.slice(0, at), url: 'https://unknown.invalid/', signOut: way }
  const done = await vault.signOut(recipe, { account: name.slice(at + 1), signal })
  await call.screen.data(done)
  await call.screen.result(
    done.server === 'ended'
      ? `${printable(name)}  signed out: the server has ended it, and all copies are gone`
      : `${printable(name)}  all copies are gone; that the server has ended it is not proven (${done.why ?? ''})`,
  )
  return done.server === 'ended' ? exitCodes.ok : exitCodes.other
}

async function wayOf({ recipe: path, post }: SignOutOptions): Promise<NonNullable<Recipe['signOut']>> {
  if (post !== undefined) {
    if (URL.canParse(post) && /^https?:$/.test(new URL(post).protocol)) return post
    throw new CommandError('usage', exitCodes.other, '--post takes an absolute http or https URL.')
  }
  if (path === undefined) {
    throw new CommandError(
      'usage',
      exitCodes.other,
      'Say how the site is told: --recipe FILE with a signOut, or --post URL. Without telling it: "sessionbridge remove".',
    )
  }
  const { signOut: way } = (await loadRecipe(path, undefined)).recipe
  if (way !== undefined) return way
  throw new CommandError(
    'usage',
    exitCodes.other,
    `The recipe ${path} has no signOut: add it, or give --post URL.`,
  )
}
