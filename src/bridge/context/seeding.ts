import type { BrowserContext, Frame } from 'playwright'
import { keptOrigin } from '../../state/kept-values.ts'
import type { OriginState, StorageItem } from '../../state/state.ts'
import type { ReportItem } from '../../state/report.ts'
import { callInPage } from './in-page/source.ts'
import { type Seed, seedDocument } from './in-page/seed-document.ts'
import { watchFrames } from './visited.ts'
import { webOrigin } from './web-origin.ts'
import { askWorld } from './world.ts'

/** A key that no app uses. It is in sessionStorage only between two documents of a tab, see seed-document.ts. */
export const marker = 'sessionbridge:was-here'

const seedings = new WeakMap<BrowserContext, Seeding>()

/** What applyState last put on a context. */
export function seedingOf(context: BrowserContext): Seeding | undefined {
  return seedings.get(context)
}

/**
 * The storage that a context wears but does not hold yet: an init script seeds an origin in its first document,
 * before the page's own scripts. When that document is there, the origin's localStorage leaves the script, and
 * nothing that the app changes or deletes is ever put back; sessionStorage stays in it, for each further tab once.
 * Playwright's own init scripts are used, and not a CDP session of ours, because Playwright holds a new page, pop-up
 * or iframe until they are installed.
 *
 * An open door: the script, secrets of all waiting origins included, is in the memory of every renderer process of
 * the context while it waits. Pages cannot read it.
 */
export class Seeding {
  /** As applied, by origin. */
  readonly applied: ReadonlyMap<string, OriginState>
  /** Origins where a frame has stood since; all others are as applied. */
  readonly visited = new Set<string>()
  /** Origins that were written at once, and so may hold storage although nobody has visited them. */
  readonly written: ReadonlySet<string>
  #context: BrowserContext
  #seeds: Map<string, Seed>
  #script: Promise<{ dispose(): Promise<void> }> | undefined
  #stop: () => void
  #onReport: ((item: ReportItem) => void) | undefined

  private constructor(
    context: BrowserContext,
    applied: ReadonlyMap<string, OriginState>,
    written: ReadonlySet<string>,
    onReport?: (item: ReportItem) => void,
  ) {
    this.#context = context
    this.applied = applied
    this.written = written
    this.#onReport = onReport
    this.#seeds = new Map()
    this.#stop = watchFrames(context, (origin, frame) => {
      this.#arrived(origin, frame)
    })
  }

  /** Takes the place of an earlier seeding of the context. */
  static begin(
    context: BrowserContext,
    applied: ReadonlyMap<string, OriginState>,
    written: ReadonlySet<string>,
    onReport?: (item: ReportItem) => void,
  ): Seeding {
    seedings.get(context)?.end()
    const seeding = new Seeding(context, applied, written, onReport)
    seedings.set(context, seeding)
    return seeding
  }

  /** Lets these seeds wait for the first documents of their origins. Resolves when the script is installed. */
  async wait(seeds: ReadonlyMap<string, Seed>): Promise<void> {
    this.#seeds = new Map(seeds)
    await this.#install()
  }

  /** Whether the origin's localStorage is not in the browser yet, but waits for the first document. */
  isWaiting(origin: string): boolean {
    const isUntouched = !this.visited.has(origin) && !this.written.has(origin)
    return isUntouched || this.#seeds.get(origin)?.local !== undefined
  }

  /**
   * Changes what new tabs, and first documents of origins that wait, will find. Resolves when the script is
   * installed.
   */
  async reseed(states: Iterable<OriginState>): Promise<void> {
    for (const { origin, localStorage, sessionStorage = [] } of states) {
      if (origin === keptOrigin) continue // nobody can stand there
      const { framed } = this.#seeds.get(origin) ?? {}
      const seed = seedOf(this.isWaiting(origin) ? localStorage : [], sessionStorage)
      if (seed === undefined) this.#seeds.delete(origin)
      else this.#seeds.set(origin, { ...seed, ...(framed !== undefined && { framed }) })
    }
    await this.#install()
  }

  end(): void {
    this.#stop()
    this.#seeds.clear()
    this.#install().catch(() => undefined) // the context is closed
    if (seedings.get(this.#context) === this) seedings.delete(this.#context)
  }

  #arrived(origin: string, frame: Frame): void {
    this.visited.add(origin)
    const seed = this.#seeds.get(origin)
    if (seed?.local === undefined) return
    if (frame.parentFrame() === null) {
      // At once, before anybody waiting for this navigation goes on: what they do next comes after it.
      void this.#put(origin, { ...(seed.session !== undefined && { session: seed.session }) })
      void this.#check(origin, frame, seed)
    } else if (seed.framed !== true) {
      void this.#checkFramed(origin, frame)
    }
  }

  /**
   * A document without storage (`Content-Security-Policy: sandbox`, storage blocked) was not the first one after all.
   */
  async #check(origin: string, frame: Frame, seed: Seed): Promise<void> {
    if ((await storageOf(this.#context, origin, frame)) !== 'none') return
    await this.#put(origin, { ...this.#seeds.get(origin), ...seed })
    const rule =
      'the browser denies the page its storage; it waits for a page of this origin that has storage'
    this.#onReport?.({ kind: 'origin', name: origin, where: origin, reason: 'refused', rule })
  }

  /** An iframe may stand in a sandbox, be denied storage as a third party, or have a partition of its own. */
  async #checkFramed(origin: string, frame: Frame): Promise<void> {
    if ((await storageOf(this.#context, origin, frame)) !== 'own') return
    const seed = this.#seeds.get(origin)
    if (seed?.local !== undefined) await this.#put(origin, { ...seed, framed: true })
  }

  async #put(origin: string, seed: Seed): Promise<void> {
    if (seed.local === undefined && seed.session === undefined) this.#seeds.delete(origin)
    else this.#seeds.set(origin, seed)
    await this.#install().catch(() => {
      // The context is closing, or Playwright could not reach one of its pages.
      for (const [where, { local }] of this.#seeds)
        if (local !== undefined) this.#onReport?.({ kind: 'origin', name: where, where, reason: 'refused' })
    })
  }

  /**
   * The new script is there before the old one goes, so that no document goes without. Both are harmless together.
   */
  async #install(): Promise<void> {
    const old = this.#script
    this.#script = this.#seeds.size === 0 ? undefined : this.#addScript()
    try {
      await this.#script
    } finally {
      await old?.then((script) => script.dispose()).catch(() => undefined)
    }
  }

  #addScript(): Promise<{ dispose(): Promise<void> }> {
    const content = callInPage(seedDocument, Object.fromEntries(this.#seeds), marker)
    return this.#context.addInitScript({ content })
  }
}

/** An origin's seed, or undefined when there is nothing to wait for. */
export function seedOf(local: readonly StorageItem[], session: readonly StorageItem[]): Seed | undefined {
  if (local.length + session.length === 0) return undefined
  return {
    ...(local.length > 0 && { local: itemsText(local) }),
    ...(session.length > 0 && { session: itemsText(session) }),
  }
}

function itemsText(items: readonly StorageItem[]): string {
  return JSON.stringify(items.map(({ name, value }) => [name, value]))
}

/** Whether the document in the frame, if it is still of this origin, has the storage of its origin. */
async function storageOf(
  context: BrowserContext,
  origin: string,
  frame: Frame,
): Promise<'own' | 'none' | 'gone'> {
  // Not by `frame.evaluate`: what Playwright puts into the page for it makes a first page load a quarter slower.
  const asked = askWorld(context, frame, callInPage(originOfStorage))
  const answer = await asked.then(({ answer }) => answer).catch(() => undefined)
  if (webOrigin(frame.url()) !== origin) return 'gone'
  return answer === origin ? 'own' : answer === 'null' ? 'none' : 'gone'
}

function originOfStorage(): string {
  try {
    return localStorage.length >= 0 ? self.origin : 'null'
  } catch {
    return 'null'
  }
}
