import type { BrowserContext, Page } from 'playwright'
import { readCookies } from '../bridge/context/cookies.ts'
import { watchOrigins } from '../bridge/context/visited.ts'
import { NeedsPersonError, plainUrl } from '../errors.ts'
import type { HttpOptions } from '../http/client.ts'
import { silentLogger, type Logger } from '../observe/events.ts'
import { browserOnlyOrigins } from '../state/report.ts'
import { allowedOrigins } from './allowed-origins.ts'
import { reached, type Attempt, type FunctionRun, type LoginPolicy } from './attempt.ts'
import { openBrowser, type BrowserOptions } from './browser.ts'
import { loginContextOptions } from './capture-identity.ts'
import { explain, LoginEnded } from './explain.ts'
import type { Gathered, Harvest } from './harvest.ts'
import { orAbort } from './quiet.ts'
import type { Recipe } from './recipe.ts'
import { Scrubber } from './scrub.ts'
import { openSecretDesk, type Secrets } from './secrets.ts'
import { untilSignedIn } from './signed-in.ts'
import { watchRequests } from './learn/watch-requests.ts'

export type { Harvest } from './harvest.ts'

export interface LoginOptions {
  readonly account: string
  readonly browser?: BrowserOptions
  readonly secrets?: Secrets
  readonly http?: HttpOptions
  readonly policy?: LoginPolicy
  readonly logger?: Logger
  /** Folder for the screenshot of a failed login; default: a private folder in the system's temporary folder. */
  readonly screenshots?: string
  readonly signal?: AbortSignal
  /** A person may sign in, in a window: needed when the recipe has no `login`. */
  readonly interactive?: boolean
  /** Given the page of a login whose session cannot leave the browser, in the place of closing it; closes it then. */
  readonly keepOpen?: (page: LivingPage) => void
}

/** The page where somebody has just signed in. */
export interface LivingPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Closes the context, and the browser if it was launched for the login. */
  close(): Promise<void>
}

/**
 * Signs in once, in a browser that is launched (or borrowed) for it, and brings the session home, proven.
 *
 * Throws `LoginFailedError` (`rejected` within seconds when the site says no), `NeedsPersonError`,
 * `BrowserMissingError`, `SecretMissingError`, `SecretOriginError`, or the reason of `signal`. No error holds a secret
 * that was handed out.
 */
export async function runLogin(recipe: Recipe, options: LoginOptions): Promise<Harvest> {
  const session = `${recipe.name}/${options.account}`
  const begun = Date.now()
  options.signal?.throwIfAborted()
  if (recipe.login === undefined) assertPersonCanCome(session, options)
  const headless = options.browser?.headless ?? recipe.login !== undefined
  const opened = await openBrowser({ ...options.browser, headless }, options.logger)
  let context: BrowserContext | undefined
  const close = async (): Promise<void> => {
    await context?.close().catch(() => undefined) // a person may have closed the window, or the browser died
    await opened.close().catch(() => undefined)
  }
  let isKept = false
  try {
    context = await opened.browser.newContext(await loginContextOptions(opened.browser, recipe.context))
    const {
      captured: _,
      capturedAt: __,
      provenByPage: ___,
      ...gathered
    } = await signIn(recipe, context, {
      ...{ ...options, session, begun },
    })
    const took = Date.now() - begun
    report(options.logger, session, gathered, took)
    const [page] = context.pages()
    if (page !== undefined && browserOnlyOrigins(gathered.report) !== undefined) {
      options.keepOpen?.({ page, context, close })
      isKept = options.keepOpen !== undefined
    }
    return { ...gathered, verifiedAt: Date.now(), took }
  } finally {
    if (!isKept) await close()
  }
}

async function signIn(
  recipe: Recipe,
  context: BrowserContext,
  options: LoginOptions & { session: string; begun: number },
): Promise<Gathered> {
  const { session, account, begun } = options
  const limit = recipe.timeout ?? (recipe.login === undefined ? 600_000 : 60_000)
  const clock = AbortSignal.timeout(limit)
  const over = new AbortController()
  const signal = AbortSignal.any([
    clock,
    over.signal,
    ...(options.signal === undefined ? [] : [options.signal]),
  ])
  const scrubber = new Scrubber()
  const allowed = allowedOrigins(recipe)
  const place = { recipe: recipe.name, account, secrets: options.secrets }
  const watch = watchRequests(context)
  const visited = watchOrigins(context)
  const page = await context.newPage()
  const attempt: Attempt = {
    session,
    begun,
    recipe,
    context,
    page,
    watch,
    visited,
    desk: openSecretDesk(context, place, allowed, scrubber),
    allowed,
    policy: options.policy ?? {},
    http: options.http ?? {},
    logger: options.logger ?? silentLogger,
    before: [],
    attended: options.interactive === true,
    signal,
  }
  reached(attempt, 'browser is there')
  const run: FunctionRun = { ended: false, failure: undefined }
  endWhenGone(attempt, over)
  try {
    await orAbort(page.goto(recipe.url, { waitUntil: 'domcontentloaded', timeout: 0 }), signal)
    reached(attempt, 'login page is there')
    attempt.before = (await readCookies(context)).cookies
    startFunction(attempt, account, run)
    return await untilSignedIn(attempt, run)
  } catch (error) {
    throw await explain(error, {
      ...{ session, page, scrubber, clock, limit },
      screenshots: options.screenshots,
      caller: options.signal,
      functionEnded: run.ended,
      verified: recipe.verify !== undefined,
    })
  } finally {
    watch.stop()
    visited.stop()
    over.abort()
  }
}

/** Runs the recipe's function beside the watch: a wrong password ends the login even while the function still waits. */
function startFunction(attempt: Attempt, account: string, run: FunctionRun): void {
  const { recipe, page, context, desk, signal } = attempt
  const { login } = recipe
  if (login === undefined) {
    run.ended = true
    return
  }
  const work = async (): Promise<void> => {
    await login(page, { secret: (name) => desk.give(name), account, context, signal })
  }
  work().then(
    () => {
      run.ended = true
      reached(attempt, "the recipe's function has ended")
    },
    (error: unknown) => {
      run.failure = { error }
    },
  )
}

/** A closed window or a dead browser ends the wait at once. */
function endWhenGone({ context, page, session, recipe, signal }: Attempt, over: AbortController): void {
  const gone = (what: string): void => {
    if (signal.aborted) return
    over.abort(
      recipe.login === undefined
        ? new NeedsPersonError(session, `${what} before anyone was signed in`)
        : new LoginEnded('threw', what),
    )
  }
  const watchClosing = (watched: Page): void => {
    watched.on('close', () => {
      if (context.pages().length === 0) gone('the window was closed')
    })
  }
  watchClosing(page)
  context.on('page', watchClosing)
  context.on('close', () => {
    gone('the browser was closed')
  })
  page.on('crash', () => {
    gone('the page crashed')
  })
}

function assertPersonCanCome(session: string, { interactive, browser }: LoginOptions): void {
  if (interactive !== true) throw new NeedsPersonError(session, 'its recipe has no login function')
  const display = process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'] ?? ''
  const canOpen = process.platform !== 'linux' || display !== ''
  if (!canOpen && browser?.browser === undefined && browser?.headless !== true)
    throw new NeedsPersonError(session, 'a window has to open and there is no display')
}

function report(
  logger: Logger | undefined,
  session: string,
  gathered: Omit<Harvest, 'verifiedAt' | 'took'>,
  took: number,
): void {
  const { headerRules, probe, unexplained } = gathered
  logger?.info(
    {
      ...{ session, took },
      headers: headerRules.map(({ header, origins }) => ({ header, origins })),
      probe: probe === undefined ? undefined : plainUrl(probe.url),
    },
    'signed in',
  )
  for (const { name: header, where: origin, reason, rule } of gathered.report) {
    if (reason === 'needs-browser')
      logger?.warn({ session, code: reason, header, origin }, `needs the browser: ${rule ?? ''}`)
  }
  for (const { header, origins, why } of unexplained) {
    logger?.warn(
      { session, header, origins, why },
      'a header that the pages send was not found in the state and cannot be repeated: it is not carried',
    )
  }
}
