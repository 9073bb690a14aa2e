import type { BrowserContext, Page, Route } from 'playwright'
import { TimedOutError } from '../../errors.ts'
import { siteOf } from '../../policy/public-suffix.ts'
import type { Reason } from '../../state/report.ts'
import { within } from './deadline.ts'
import { collectAnswers, takeAnswer } from './in-page/collect-answers.ts'
import { callInPage, inlineScript } from './in-page/source.ts'
import { webOrigin } from './web-origin.ts'
import { ownWorld, pageSession, type World } from './world.ts'

const own = new WeakSet<Page>()

/** Whether a page is one of ours, opened to reach the storage of origins: nobody "visits" anything with it. */
export function isOwnPage(page: Page): boolean {
  return own.has(page)
}

export interface Question {
  readonly origin: string
  /** Evaluates in a document of the origin to the answer, a string or a promise of one. */
  readonly expression: string
}

export type Answer =
  | { readonly origin: string; readonly text: string }
  | { readonly origin: string; readonly reason: Reason; readonly rule: string }

export interface AskOptions {
  /** Milliseconds for one origin; what is long gets 2 ms more for each 1,000 UTF-16 units. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks origins where no page stands, through pages of ours: each request is answered by us with a blank document, so
 * the site hears nothing and none of its code runs. One page asks all origins of a site, the others as iframes of the
 * first: they share its renderer process, and being of the same site they share storage with pages of their own (no
 * partition, no third party); fifty of them take 60 % of the time of fifty navigations. A new site costs a new
 * process, most of which is waiting: four pages work side by side. An origin that fails or hangs costs the others
 * nothing.
 */
export async function askOrigins(
  context: BrowserContext,
  questions: readonly Question[],
  options: AskOptions,
): Promise<Answer[]> {
  const groups = groupBySite(questions)
  const answers: Answer[] = []
  const lane = async (): Promise<void> => {
    const visitor = new Visitor(context, questions, options)
    try {
      for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
        const [first, ...rest] = await visitor.ask(group)
        if (first === undefined) continue
        answers.push(first, ...rest)
        // The page itself could not be had: the next origin of the site leads the others.
        if (rest.length === 0 && group.length > 1) groups.unshift(group.slice(1))
      }
    } finally {
      await visitor.leave()
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, groups.length) }, lane))
  return answers
}

/** At most so many iframes in one page: more of them would keep one core busy and leave the others idle. */
const groupSize = 25

function groupBySite(questions: readonly Question[]): Question[][] {
  const groups: Question[][] = []
  const filling = new Map<string, Question[]>()
  for (const question of questions) {
    const site = siteOf(new URL(question.origin))
    let group = filling.get(site)
    if (group === undefined || group.length >= groupSize) {
      group = []
      filling.set(site, group)
      groups.push(group)
    }
    group.push(question)
  }
  return groups
}

/** One page of ours, which goes from site to site. */
class Visitor {
  #context: BrowserContext
  #questions: ReadonlyMap<string, string>
  #options: AskOptions
  #page: Promise<Page> | undefined

  constructor(context: BrowserContext, questions: readonly Question[], options: AskOptions) {
    this.#context = context
    this.#questions = new Map(questions.map(({ origin, expression }) => [origin, expression]))
    this.#options = options
  }

  /** Answers of a group; of its first origin alone when the page could not be opened there. */
  async ask(group: readonly Question[]): Promise<Answer[]> {
    const [first] = group
    if (first === undefined) return []
    const { timeout, signal } = this.#options
    try {
      const world = await within(this.#arrive(first, group), timeout, `a page of ${first.origin}`, signal)
      const answers = await Promise.all(group.map(({ origin }) => takeOne(world, origin, this.#options)))
      if (answers.some((answer) => !('text' in answer))) await this.leave() // something may still hang there
      return answers
    } catch (error) {
      await this.leave()
      signal?.throwIfAborted()
      return [failure(first.origin, error)]
    }
  }

  async #arrive(first: Question, group: readonly Question[]): Promise<World> {
    const page = await (this.#page ??= openBlank(this.#context, this.#questions))
    await page.goto(`${first.origin}/`, { waitUntil: 'commit', timeout: this.#options.timeout })
    // HSTS turns an http origin into https before any request could be answered by us.
    if (webOrigin(page.url()) !== first.origin) throw new Error('the browser went to another origin')
    const world = await ownWorld(page)
    const others = group.slice(1).map(({ origin }) => origin)
    // Not awaited: the page works through them in order, and an answer that does not come is seen where it is taken.
    for (const expression of [callInPage(collectAnswers, others, 1_000_000), answerHere(first.expression)])
      world(expression).catch(() => undefined)
    return world
  }

  /** Waited for only so long: opening or closing a page takes as long as the browser, or a hung renderer, likes. */
  async leave(): Promise<void> {
    const closing = this.#page?.then((page) => page.close())
    this.#page = undefined
    if (closing !== undefined) await within(closing, 1_000, 'closing a page').catch(() => undefined)
  }
}

/** The others are asked in the body of their iframes. */
function answerHere(expression: string): string {
  return `Promise.resolve(${expression}).then((text) => { postMessage(text); return '' })`
}

async function takeOne(world: World, origin: string, { timeout, signal }: AskOptions): Promise<Answer> {
  try {
    const what = `storage of ${origin}`
    let text = await within(world(callInPage(takeAnswer, origin, false)), timeout, what, signal)
    if (text.startsWith('#')) {
      const time = timeout + Number(text.slice(1)) / 500
      text = await within(world(callInPage(takeAnswer, origin, true)), time, what, signal)
    }
    return { origin, text }
  } catch (error) {
    signal?.throwIfAborted()
    return failure(origin, error)
  }
}

function failure(origin: string, error: unknown): Answer {
  return error instanceof TimedOutError
    ? { origin, reason: 'timed-out', rule: `no answer within ${String(Math.round(error.after))} ms` }
    : { origin, reason: 'unreadable', rule: 'a blank page of this origin could not be opened' }
}

async function openBlank(context: BrowserContext, questions: ReadonlyMap<string, string>): Promise<Page> {
  const page = await context.newPage()
  own.add(page)
  await Promise.all([
    page.route('**/*', (route) => answerBlank(route, questions)),
    bypassServiceWorker(context, page),
  ])
  return page
}

/** Else the browser asks for one, and the page is not closed before it has been told that there is none. */
const noIcon = '<link rel="icon" href="data:,">'

async function answerBlank(route: Route, questions: ReadonlyMap<string, string>): Promise<void> {
  const request = route.request()
  const expression = questions.get(webOrigin(request.url()) ?? '')
  if (!request.isNavigationRequest() || expression === undefined) {
    await route.abort().catch(() => undefined)
    return
  }
  const isFramed = request.frame().parentFrame() !== null
  const script = isFramed
    ? inlineScript(`Promise.resolve(${expression}).then((text) => { parent.postMessage(text, '*') })`)
    : noIcon
  // Without the header each origin could get a process of its own.
  const headers = { 'content-type': 'text/html; charset=utf-8', 'origin-agent-cluster': '?0' }
  await route.fulfill({ headers, body: `<!doctype html>${script}` }).catch(() => undefined)
}

/**
 * A service worker of the origin would answer before our route does. Only Chromium can be told to leave it out. The
 * answers are not awaited: the browser takes its messages in the order in which they are sent.
 */
async function bypassServiceWorker(context: BrowserContext, page: Page): Promise<void> {
  const session = await pageSession(context, page)
  // Without the first, the second is taken and does nothing.
  session?.send('Network.enable').catch(() => undefined)
  session?.send('Network.setBypassServiceWorker', { bypass: true }).catch(() => undefined)
}
