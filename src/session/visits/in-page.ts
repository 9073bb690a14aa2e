import type { BrowserContext, Page } from 'playwright'
import { ClosedError, RequestFailedError, SessionbridgeError } from '../../errors.ts'
import { fetchRequest, type FetchRequest, type SessionRequestInit } from '../../http/fetch-request.ts'
import { mayRepeat } from '../../http/hop.ts'
import type { HttpOptions } from '../../http/options.ts'
import { NeedsBrowserError } from '../../http/trouble/traffic-errors.ts'
import { orAbort } from '../../login/quiet.ts'
import type { Recipe } from '../../login/recipe.ts'
import { steadyNow } from '../../observe/clock.ts'
import { KeptPage } from './kept-page.ts'
import type { Life } from '../life.ts'
import type { LivingPages } from './living-pages.ts'
import { askInPage, bytesOf, pageGone, responseOf, type PageAnswer } from './page-fetch.ts'
import type { Visits } from './visits.ts'

export interface InPageHost {
  readonly life: Life
  readonly recipe: Recipe
  readonly http: HttpOptions
  readonly visits: Visits
  readonly living: LivingPages
}

/** A place that said 401 although all was renewed is not renewed for again before, ms. */
const clearedFor = 10_000

/**
 * The page that a session keeps, and what it asks. A session that HTTP clients can carry has a page that wears its state, in
 * step with the cell. A session whose key cannot leave the browser has the page of its login, as long as that is open: no
 * other context can be given the key. Where there is none (in another process, or after the browser died) it is signed
 * in anew, and that page is kept.
 */
export class InPage {
  readonly #host: InPageHost
  readonly #end = new AbortController()
  readonly #cleared = new Map<string, number>()
  #kept: Promise<KeptPage> | undefined
  #reloading: Promise<void> | undefined

  constructor(host: InPageHost) {
    this.#host = host
  }

  /** `browse` of a session whose key cannot leave the browser: its one page, one visit at a time. */
  async visit<T>(work: (page: Page, context: BrowserContext) => Promise<T>): Promise<T> {
    const kept = await this.#ready()
    return kept.visiting(() => work(kept.page, kept.context))
  }

  async fetch(input: string | URL | Request, init: SessionRequestInit = {}): Promise<Response> {
    const asked = await fetchRequest(input, init, this.#host.http.baseUrl)
    if (asked.redirect === 'manual')
      throw new TypeError('A page is not shown redirects: use "follow" or "error" with fetchInPage')
    try {
      return responseOf(asked, await this.#send(asked, await bytesOf(asked.body)))
    } catch (error) {
      asked.signal?.throwIfAborted()
      throw error instanceof SessionbridgeError ? new TypeError(error.message, { cause: error }) : error
    }
  }

  /** The page goes with its context; the page of a login belongs to the vault, which closes it after its last session. */
  async close(): Promise<void> {
    this.#end.abort(new ClosedError(`The page of session ${this.#host.life.name}`))
    const kept = await this.#kept?.catch(() => undefined)
    if (kept !== undefined && !this.#isLiving(kept)) await kept.context.close().catch(() => undefined)
  }

  async #send(asked: FetchRequest, body: Buffer | undefined): Promise<PageAnswer> {
    const { method, url, written, idempotent } = asked
    const repeats = mayRepeat(method, body, written, idempotent)
    const ask = (): Promise<PageAnswer> =>
      this.#ask(asked, body).catch((error: unknown) => {
        // A renewal has put another page in its place.
        if (!repeats || !(error instanceof RequestFailedError) || error.reason !== pageGone) throw error
        return this.#ask(asked, body)
      })
    let answer = await ask()
    const place = `${method} ${url.origin}${url.pathname}`
    const isCleared = steadyNow() < (this.#cleared.get(place) ?? 0)
    if (answer.status !== 401 || asked.anonymous || isCleared) return answer
    for (const renew of this.#ways(url)) {
      if (!(await renew())) continue
      if (!repeats) return answer
      answer = await ask()
      if (answer.status !== 401) return answer
    }
    if (this.#cleared.size >= 1_000) this.#cleared.clear()
    this.#cleared.set(place, steadyNow() + clearedFor)
    return answer
  }

  async #ask(asked: FetchRequest, body: Buffer | undefined): Promise<PageAnswer> {
    const { life, http } = this.#host
    const kept = await this.#ready()
    const { carrier } = life
    const { origin } = asked.url
    const isProven = (life.snapshot.dropped ?? []).some(
      ({ reason, name, where }) =>
        reason === 'needs-browser' && where === origin && name.toLowerCase() === 'dpop',
    )
    const work = { carrier, http, kept, isBound: this.#isBound, isProven, ended: this.#end.signal }
    return askInPage(work, asked, body)
  }

  /** What may help against a 401, cheapest first; each tells whether it has done anything. */
  #ways(url: URL): (() => Promise<boolean>)[] {
    const { life, recipe } = this.#host
    const { epoch } = life.cell
    if (!this.#isBound) {
      const facts = { epoch, status: 401, url, sign: 'status 401', renew: true }
      return [async () => (await life.carrier.revive?.(facts)) === 'renewed']
    }
    const reload = async (): Promise<boolean> => {
      const kept = await this.#ready()
      this.#reloading ??= kept
        .visiting(() => kept.reload(this.#end.signal))
        .finally(() => (this.#reloading = undefined))
      await this.#reloading
      return true
    }
    const signIn = async (): Promise<boolean> => {
      const kept = await this.#ready()
      // Its recipe knows better than one answer whether anybody is signed in.
      if ((await recipe.verify?.(kept.page).catch(() => false)) === true) return false
      await kept.visiting(async () => {
        if (life.cell.epoch === epoch) await life.renewing.renew()
      })
      return true
    }
    return [reload, signIn]
  }

  /** Whether the session cannot leave the browser. */
  get #isBound(): boolean {
    return this.#host.life.carrier.browserOnly !== undefined
  }

  #isLiving({ page }: KeptPage): boolean {
    return this.#host.living.of(this.#host.life.name)?.page === page
  }

  /** The page as it is, or another one where it is gone or of an older epoch. */
  async #ready(): Promise<KeptPage> {
    const before = this.#kept
    const kept = await before?.catch(() => undefined)
    if (kept?.isOpen === true) {
      const isGood = this.#isBound ? this.#isLiving(kept) : kept.epoch === this.#host.life.cell.epoch
      if (isGood) return kept
    }
    this.#end.signal.throwIfAborted()
    // Somebody else may have seen the same, and been faster.
    if (this.#kept !== before) return this.#ready()
    return (this.#kept = this.#isBound ? this.#signedIn() : this.#wearing(kept))
  }

  async #signedIn(): Promise<KeptPage> {
    const { life, living, recipe } = this.#host
    // A renewal by another process brings no page of its login; the next one is ours.
    for (let turn = 0; turn < 3 && living.of(life.name) === undefined; turn++) await life.renewing.renew()
    const found = living.of(life.name)
    if (found === undefined)
      throw new NeedsBrowserError(life.name, 'GET', new URL(recipe.url), 'no page of its login is open')
    return new KeptPage(found.page, recipe.home ?? recipe.url, life.cell.epoch)
  }

  async #wearing(old: KeptPage | undefined): Promise<KeptPage> {
    const { life, recipe, visits } = this.#host
    await old?.visiting(() => old.context.close()).catch(() => undefined)
    const home = recipe.home ?? recipe.url
    const { epoch } = life.cell
    const page = await visits.open()
    try {
      await orAbort(page.goto(home, { waitUntil: 'domcontentloaded' }), this.#end.signal)
      return new KeptPage(page, home, epoch)
    } catch (error) {
      await page.context().close()
      throw error
    }
  }
}
