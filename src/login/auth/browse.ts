import type { Page } from 'playwright'
import { captureState } from '../../bridge/context/capture.ts'
import { watchOrigins } from '../../bridge/context/visited.ts'
import type { Cell } from '../../state/cell.ts'
import { diffStates } from '../../state/diff.ts'
import type { Identity } from '../../state/identity.ts'
import { emptyState } from '../../state/state.ts'
import { allowedOrigins } from '../allowed-origins.ts'
import { openBrowser } from '../browser.ts'
import { captureIdentity, loginContextOptions } from '../capture-identity.ts'
import { orAbort } from '../quiet.ts'
import type { LoginTools, Recipe } from '../recipe.ts'
import type { LoginOptions } from '../run-login.ts'
import type { Scrubber } from '../scrub.ts'
import { openSecretDesk } from '../secrets.ts'
import { watchRequests } from '../learn/watch-requests.ts'

export interface BrowseWork {
  readonly recipe: Recipe
  readonly options: LoginOptions
  readonly cell: Cell
  readonly scrubber: Scrubber
  readonly signal: AbortSignal
}

export interface Browsed<T> {
  readonly result: T
  readonly identity: Identity
  readonly secretGiven: boolean
}

/** The step of a sign-in that needs a page: in a browser launched or borrowed for it; what the sites have set goes home. */
export async function browseForSignIn<T>(
  visit: (page: Page, tools: LoginTools) => Promise<T>,
  { recipe, options, cell, scrubber, signal }: BrowseWork,
): Promise<Browsed<T>> {
  const { account, secrets } = options
  const opened = await openBrowser({ ...options.browser }, options.logger)
  try {
    const context = await opened.browser.newContext(await loginContextOptions(opened.browser, recipe.context))
    try {
      const watch = watchRequests(context)
      const visited = watchOrigins(context)
      const place = { recipe: recipe.name, account, secrets }
      const desk = openSecretDesk(context, place, allowedOrigins(recipe), scrubber)
      const page = await context.newPage()
      const secret = (name: string): Promise<string> => desk.give(name)
      const result = await orAbort(visit(page, { secret, account, context, signal }), signal)
      const captured = await captureState(context, { signal, origins: visited.origins })
      cell.merge(diffStates(emptyState, captured.state), 'login')
      const identity = await captureIdentity(page, watch.requests)
      watch.stop()
      visited.stop()
      return { result, identity, secretGiven: desk.lastGivenAt !== undefined }
    } finally {
      await context.close().catch(() => undefined)
    }
  } finally {
    await opened.close().catch(() => undefined)
  }
}
