import type { BrowserContext, Page } from 'playwright'
import type { CookieJar } from 'tough-cookie'
import { toCookieJar } from '../bridge/jar/jar.ts'
import { ClosedError } from '../errors.ts'
import type { Carrier } from '../http/carrier.ts'
import { createHttp, type HttpOptions, type SessionHttp } from '../http/client.ts'
import type { SessionRequestInit } from '../http/fetch-request.ts'
import { createFetch, type SessionFetch } from '../http/fetch.ts'
import { headersFor, type HeadersForOptions } from '../http/headers/headers-for.ts'
import { NeedsBrowserError } from '../http/trouble/traffic-errors.ts'
import type { TrafficFigures } from '../http/trouble/traffic.ts'
import type { ConnectionOptions } from '../http/wire/tls.ts'
import type { Transport } from '../http/wire/wire.ts'
import { signatureMark, signedTransport } from '../login/auth/signed.ts'
import type { Liveness } from '../login/probe.ts'
import type { Recipe } from '../login/recipe.ts'
import type { Logger } from '../observe/events.ts'
import type { HeaderRule, Identity } from '../state/identity.ts'
import type { Report } from '../state/report.ts'
import type { SessionState } from '../state/state.ts'
import type { InPage } from './visits/in-page.ts'
import { Life } from './life.ts'
import type { LivingPages } from './visits/living-pages.ts'
import type { MapOptions, MapResult, MapSource, MapWork } from './map/map-options.ts'
import type { Minimized, MinimizeOptions } from './minimize.ts'
import type { VaultOptions } from './options.ts'
import type { SignedOut } from './operations/sign-out.ts'
import type { Renewed } from './renewal/renew-once.ts'
import type { Renewal, RenewWish } from './renewal/renewing.ts'
import type { Session } from './session.ts'
import type { SharedBrowser } from './visits/shared-browser.ts'
import type { Shelf, Stored } from './stored.ts'
import type { Visit } from './visits/visit.ts'
import { protectedNames, visitPolicy } from './visits/visit-policy.ts'
import { Visits } from './visits/visits.ts'

export interface SessionHost {
  readonly vault: VaultOptions
  readonly shelf: Shelf
  readonly browser: SharedBrowser
  readonly living: LivingPages
  readonly logger: Logger
  /** One renewal for all; resolves with what stands afterwards, of an epoch above the dead one. */
  renew(recipe: Recipe, account: string, wish: RenewWish): Promise<Renewed>
}

/** The face of a session: its clients, its visits, and the end of it. What it does by itself is its `Life`. */
export class LiveSession implements Session {
  readonly name: string
  readonly isNew: boolean
  readonly #report: Report | undefined
  readonly #host: SessionHost
  readonly #recipe: Recipe
  readonly #life: Life
  readonly #visits: Visits
  #jar: CookieJar | undefined
  #http: ReturnType<typeof createHttp> | undefined
  #fetch: ReturnType<typeof createFetch> | undefined
  readonly #through: SessionFetch[] = []
  #inPage: Promise<InPage> | undefined
  #closing: Promise<void> | undefined

  /** `login`: what the gate kept away, when this session has just been signed in to. */
  constructor(host: SessionHost, recipe: Recipe, account: string, stored: Stored, login?: Report) {
    this.#host = host
    this.#recipe = recipe
    this.name = stored.snapshot.name
    this.isNew = login !== undefined
    this.#report = login
    const { vault, shelf, logger } = host
    const life = new Life(
      { vault, shelf, logger, recipe, renew: (wish) => host.renew(recipe, account, wish) },
      stored,
    )
    this.#life = life
    host.living.join(this.name, this)
    this.#visits = new Visits({
      cell: life.cell,
      recipe,
      browser: host.browser,
      identity: () => life.snapshot.identity,
      headerRules: () => life.snapshot.headerRules,
      policy: () => visitPolicy(vault.policy, recipe, life.snapshot),
      learn: (rules, signOuts) => {
        life.learn(rules, signOuts)
      },
      notices: life.notices,
      left: (report) => {
        logger.info({ session: life.name, report }, 'not brought home by the visit')
      },
    })
  }

  get epoch(): number {
    return this.#life.cell.epoch
  }

  get state(): SessionState {
    return this.#life.cell.state
  }

  get identity(): Identity | undefined {
    return this.#life.snapshot.identity
  }

  get headerRules(): readonly HeaderRule[] {
    return this.#life.snapshot.headerRules
  }

  get dropped(): Report {
    return this.#report ?? this.#life.snapshot.dropped ?? []
  }

  get snapshotBytes(): number {
    return this.#life.saving.stored.size
  }

  get jar(): CookieJar {
    return (this.#jar ??= toCookieJar(this.#life.cell))
  }

  get http(): SessionHttp {
    this.#assertOpen()
    return (this.#http ??= createHttp(...this.#wire()))
  }

  get fetch(): SessionFetch {
    this.#assertOpen()
    return (this.#fetch ??= createFetch(...this.#wire()))
  }

  get traffic(): TrafficFigures {
    const http = this.#http?.connections()
    const fetch = this.#fetch?.connections()
    return {
      origins: this.#life.carrier.traffic?.standings() ?? [],
      connections: { ...(http !== undefined && { http }), ...(fetch !== undefined && { fetch }) },
    }
  }

  through(connect: (options: Readonly<ConnectionOptions>) => Transport): SessionFetch {
    this.#assertOpen()
    const { http = {} } = this.#host.vault
    const fetch = createFetch(this.#life.carrier, http, signedTransport(this.#life.cell, http, connect(http)))
    this.#through.push(fetch)
    return fetch
  }

  headersFor(url: string | URL, options: HeadersForOptions = {}): [string, string][] {
    const target = new URL(url)
    if (this.#life.carrier.browserOnly?.has(target.origin) === true)
      throw new NeedsBrowserError(this.name, options.method ?? 'GET', target)
    const headers = headersFor(this.#life.carrier, target, options)
    return headers.filter(([, value]) => value !== signatureMark)
  }

  async map(urls: MapSource, work: MapWork, options?: MapOptions): Promise<MapResult> {
    this.#assertOpen()
    const { mapUrls } = await import('./map/map.ts')
    const host = {
      ...{ name: this.name, shelf: this.#host.shelf, signsOut: (url: string) => this.signsOut(url) },
      isDead: async () => (await this.#life.proof.ask()) === 'dead',
    }
    return mapUrls(host, urls, work, options)
  }

  signsOut(url: string | URL): boolean {
    return this.#life.signsOut(String(url))
  }

  async browse<T>(visit: (page: Page, context: BrowserContext) => Promise<T>): Promise<T> {
    this.#assertOpen()
    if (this.#life.carrier.browserOnly !== undefined) return (await this.#page()).visit(visit)
    return this.#visits.browse(visit)
  }

  async fetchInPage(input: string | URL | Request, init?: SessionRequestInit): Promise<Response> {
    this.#assertOpen()
    return (await this.#page()).fetch(input, init)
  }

  async attach(context: BrowserContext): Promise<Visit> {
    this.#assertOpen()
    return this.#visits.attach(context)
  }

  async check(): Promise<Liveness> {
    this.#assertOpen()
    const liveness = await this.#life.proof.ask()
    if (liveness === 'alive') this.#life.factsChanged()
    return liveness
  }

  async minimize(options?: MinimizeOptions): Promise<Minimized> {
    this.#assertOpen()
    const { policy, http } = this.#host.vault
    const protect = protectedNames(policy, this.#recipe)
    const { carrier, snapshot } = this.#life
    const { minimizeState } = await import('./minimize.ts')
    const found = await minimizeState({ carrier, probe: snapshot.probe, protect, http }, options)
    if (found.applied) await this.check().then(() => this.save())
    return found
  }

  async renew(): Promise<Renewal> {
    this.#assertOpen()
    return this.#life.renewing.renew()
  }

  save(): Promise<void> {
    return this.#life.saving.save()
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#closeNow())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async signOut({ signal }: { readonly signal?: AbortSignal } = {}): Promise<SignedOut> {
    this.#assertOpen()
    const { shelf, logger, vault } = this.#host
    const life = this.#life
    const { signOutSession } = await import('./operations/sign-out.ts')
    const done = await signOutSession({
      ...{
        shelf,
        logger,
        recipe: this.#recipe,
        name: this.name,
        http: vault.http,
        secrets: vault.secrets,
        signal,
      },
      live: async () => {
        await life.saving.refresh() // the server knows what was rotated last, wherever that was
        return { ...life.snapshot, state: life.cell.state, epoch: life.cell.epoch }
      },
    })
    await (this.#closing ??= this.#letGo())
    return done
  }

  get isOpen(): boolean {
    return this.#closing === undefined
  }

  /** Takes in what others have saved, now and not when the store tells of it. */
  refresh(): Promise<void> {
    return this.#life.saving.refresh()
  }

  async #letGo(): Promise<void> {
    await this.#life.abandon()
    await this.#visits.endAll()
    await this.#closeClients()
  }

  async #closeNow(): Promise<void> {
    await this.#life.rest()
    await this.#visits.endAll()
    try {
      await this.#life.end()
    } finally {
      await this.#closeClients()
    }
  }

  #page(): Promise<InPage> {
    const { vault, living } = this.#host
    const [life, recipe, visits] = [this.#life, this.#recipe, this.#visits]
    return (this.#inPage ??= import('./visits/in-page.ts').then(
      ({ InPage }) => new InPage({ life, recipe, visits, living, http: vault.http ?? {} }),
    ))
  }

  /** Clients, pages and browsers of ours. */
  async #closeClients(): Promise<void> {
    await this.#inPage?.then((page) => page.close())
    await Promise.allSettled([
      this.#http?.close(),
      this.#fetch?.close(),
      ...this.#through.map((fetch) => fetch.close()),
      this.#host.living.leave(this.name, this),
      this.#visits.leave(),
    ])
  }

  #wire(): [Carrier, HttpOptions | undefined, Transport | undefined] {
    const { http } = this.#host.vault
    this.#life.notices.ofRequests(this.identity, http)
    return [this.#life.carrier, http, signedTransport(this.#life.cell, http)]
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError(`Session ${this.name}`)
  }
}
