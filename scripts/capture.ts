import {
  forecast,
  NeedsPersonError,
  sessionName,
  type Recipe,
  type Session,
  type Vault,
} from '../src/index.ts'
import { loadRecipe, type LoadedRecipe } from './recipe/load.ts'
import type { Call } from './terminal/call.ts'
import { CommandError, exitCodes } from './terminal/exit-codes.ts'
import {
  carriedBy,
  carriedInWords,
  countKept,
  deathInWords,
  droppedInWords,
  isoTime,
  keptInWords,
} from './vault/facts.ts'
import { explainInWords, explanationOf } from './vault/explain.ts'
import { readNetwork, timeoutOf } from './vault/network.ts'
import { openVault } from './vault/open-vault.ts'
import type { CommonOptions, NetworkOptions } from './vault/settings.ts'

export interface CaptureOptions extends CommonOptions, NetworkOptions {
  readonly account: string
  readonly name?: string
  readonly headless?: boolean
  readonly force?: boolean
  readonly browser?: string
  readonly browserArg?: readonly string[]
  readonly screenshots?: string
  readonly trackers: 'drop' | 'keep'
  readonly explain?: boolean
}

/** Signs in once and stores the session; a stored one that is still alive is left as it is, unless `--force`. */
export async function capture(call: Call<CaptureOptions>, target: string): Promise<number> {
  const { options, screen, signal } = call
  const loaded = await loadRecipe(target, options.name)
  const { http, browserArgs } = await readNetwork(options, options.browserArg)
  const recipe = { ...loaded.recipe, ...timeoutOf(options) }
  const name = sessionName(recipe, options.account)
  assertWindow(name, recipe, options)

  const vault = await openVault(call, {
    createKey: true,
    // A person in front of a window sees for himself; the line that asks him to sign in stays.
    steps: !isByPerson(recipe),
    http,
    browser: {
      headless: options.headless === true,
      args: browserArgs,
      ...(options.browser !== undefined && { executablePath: options.browser }),
    },
    // A capture is asked for to be sure: ask the server, whenever it was asked last.
    policy: { freshFor: 0, trackers: options.trackers },
    ...(options.screenshots !== undefined && { screenshots: options.screenshots }),
  })
  await assertSameSite(vault, name, loaded)

  const began = Date.now()
  screen.progress(
    isByPerson(recipe) ? 'Sign in in the window that opens …' : `Signing in to ${new URL(recipe.url).host} …`,
  )
  const session = await vault.open(recipe, {
    account: options.account,
    login: options.force === true ? 'always' : 'if-needed',
    signal,
  })
  try {
    await report(call, session, { took: Date.now() - began, protect: recipe.protect ?? [] })
  } finally {
    await session.close()
  }
  return exitCodes.ok
}

async function report(
  call: Call<CaptureOptions>,
  session: Session,
  { took, protect }: { readonly took: number; readonly protect: readonly string[] },
): Promise<void> {
  const { name, state, headerRules, dropped } = session
  const kept = countKept(state)
  const { diesAt, because } = forecast(state, { headerRules })
  const life = { diesAt: isoTime(diesAt), because }
  const carriers = carriedBy(state, headerRules)
  const facts = {
    name,
    new: session.isNew,
    epoch: session.epoch,
    kept,
    dropped,
    carriedBy: carriers,
    ...life,
  }
  const explanation = call.options.explain === true ? explanationOf(session, protect) : undefined
  await call.screen.data({
    ...facts,
    bytes: session.snapshotBytes,
    took,
    ...(explanation !== undefined && { explain: explanation }),
  })
  const indent = ' '.repeat(name.length + 2)
  const how = session.isNew ? `signed in · kept` : 'still signed in ·'
  const cut = session.isNew ? ` · dropped ${droppedInWords(dropped)}` : ''
  await call.screen.result(
    `${name}  ${how} ${keptInWords(kept)}${cut}\n` +
      [
        `${indent}carried by: ${carriedInWords(carriers)} · ${deathInWords(life)}`,
        ...(explanation === undefined ? [] : explainInWords(explanation)),
      ].join('\n'),
  )
}

function isByPerson({ login, signIn }: Recipe): boolean {
  return login === undefined && signIn === undefined
}

/** Says before anything is opened that a person cannot sign in here, or that there is no screen. */
function assertWindow(name: string, recipe: Recipe, options: CaptureOptions): void {
  const isHeadless = options.headless === true
  if (recipe.signIn !== undefined) return
  if (isByPerson(recipe) && isHeadless)
    throw new NeedsPersonError(
      name,
      'there is no recipe that could sign in by itself, and --headless opens no window',
    )
  const { DISPLAY: x = '', WAYLAND_DISPLAY: wayland = '' } = process.env
  if (isHeadless || process.platform !== 'linux' || x !== '' || wayland !== '') return
  if (isByPerson(recipe)) throw new NeedsPersonError(name, 'this machine has no screen (DISPLAY is not set)')
  throw new CommandError(
    'usage',
    exitCodes.other,
    'This machine has no screen (DISPLAY is not set): add --headless, the recipe signs in by itself.',
  )
}

/** Two sites may come to the same guessed name: the second must not be written over the first. */
async function assertSameSite(vault: Vault, name: string, { recipe, isNamed }: LoadedRecipe): Promise<void> {
  if (isNamed) return
  const stored = await vault.peek(name)
  if (stored === undefined) return
  const { hostname } = new URL(recipe.url)
  const { state, probe } = stored.snapshot
  const hosts = [
    ...state.cookies.map(({ domain }) => domain.replace(/^\./, '')),
    ...state.origins.map(({ origin }) => new URL(origin).hostname),
    ...(probe === undefined ? [] : [new URL(probe.url).hostname]),
  ]
  const related = (a: string, b: string): boolean => a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`)
  if (hosts.length === 0 || hosts.some((host) => related(host, hostname))) return
  throw new CommandError(
    'usage',
    exitCodes.other,
    `${name} is a session of another site (${hosts[0] ?? ''}): give this one a name of its own with --name.`,
  )
}
