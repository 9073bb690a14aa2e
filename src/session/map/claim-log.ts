import { createHash } from 'node:crypto'
import { StoreConflictError } from '../../errors.ts'
import { openRecord, sealName, sealRecord } from '../../snapshot/record.ts'
import type { Shelf } from '../stored.ts'

/** Who works: `slot.fence` (worker-slot.ts), never the same twice. Or what became of the address. */
export type Standing = 'done' | 'failed' | (string & {})

/**
 * One kind of line each: `claim` by an owner, `done`, `failed`, and `back`: the owner gives back what it has not done.
 */
export type LogLine = readonly [
  kind: 'claim' | 'done' | 'failed' | 'back',
  owner: string,
  ...digests: string[],
]

/** Text of a page after which the next one is begun: about five hundred addresses. Each round writes one page anew. */
const pageLength = 16_384
const keptFor = 90 * 86_400_000
const tries = 200

/**
 * Who has taken which address of a job, and what is done: one log for all processes, on numbered pages in the store. Pages are
 * only ever added to, by compare-and-set, so all processes read the same lines in the same order, and of two that claim
 * an address the first line counts. A full page never changes again.
 */
export class ClaimLog {
  readonly #shelf: Shelf
  readonly #prefix: string
  readonly #standings = new Map<string, Standing>()
  readonly #fences = new Map<string, number>()
  #page = 0
  #text = ''
  #version: string | undefined

  constructor(shelf: Shelf, prefix: string) {
    this.#shelf = shelf
    this.#prefix = prefix
  }

  /** As of the last line read; `undefined`: free. */
  standing(digest: string): Standing | undefined {
    return this.#standings.get(digest)
  }

  /** The highest fence that has written anything in a slot. */
  fence(slot: string): number {
    return this.#fences.get(slot) ?? 0
  }

  /** All that have written anything. */
  get slots(): Iterable<string> {
    return this.#fences.keys()
  }

  /** From now on, for this reader, what has failed is free. */
  forgetFailures(): void {
    for (const [digest, standing] of this.#standings)
      if (standing === 'failed') this.#standings.delete(digest)
  }

  /** Reads what others have written since. */
  async catchUp(): Promise<void> {
    for (;;) {
      const name = this.#name()
      const found = await this.#shelf.store.read(name)
      const text = found === undefined ? '' : textOf(openRecord('map', name, found.bytes, this.#shelf.keys))
      // A store that has lost writes (a failover) or the page (a purge) holds other lines than those we know.
      this.#apply(text.startsWith(this.#text) ? text.slice(this.#text.length) : text)
      this.#text = text
      this.#version = found?.version
      if (text.length < pageLength) return
      this.#turn()
    }
  }

  /** Adds the lines that `make` gives for how things stand; called again when others came first. None: nothing is written. */
  async append(make: () => readonly LogLine[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const lines = make().map((words) => `${words.join(' ')}\n`)
      if (lines.length === 0) return
      if (this.#text.length >= pageLength) this.#turn()
      try {
        await this.#write(lines.join(''))
        return
      } catch (error) {
        if (!(error instanceof StoreConflictError) || attempt === tries) throw error
        if (attempt > 3) await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
        await this.catchUp()
      }
    }
  }

  async #write(lines: string): Promise<void> {
    const name = this.#name()
    const { store, keys } = this.#shelf
    const text = this.#text + lines
    this.#version = await store.write(name, sealRecord('map', name, { text }, keys), {
      ifVersion: this.#version,
      sealedName: sealName(name, keys),
      expiresAt: Date.now() + keptFor,
    })
    this.#text = text
    this.#apply(lines)
  }

  #name(): string {
    return `${this.#prefix}/${String(this.#page)}`
  }

  #turn(): void {
    this.#page += 1
    this.#text = ''
    this.#version = undefined
  }

  #apply(text: string): void {
    for (const line of text.split('\n')) {
      const [kind, owner = '', ...digests] = line.split(' ')
      if (kind === 'claim') this.#meet(owner)
      for (const digest of digests) this.#stand(digest, kind, owner)
    }
  }

  #stand(digest: string, kind: string | undefined, owner: string): void {
    const standing = this.#standings.get(digest)
    if (standing === 'done') return // whoever was frozen and comes back late changes nothing
    if (kind === 'claim') this.#standings.set(digest, owner)
    else if (kind === 'done' || kind === 'failed') this.#standings.set(digest, kind)
    else if (kind === 'back' && standing === owner) this.#standings.delete(digest)
  }

  #meet(owner: string): void {
    const [slot = '', fence] = owner.split('.')
    if (Number(fence) > this.fence(slot)) this.#fences.set(slot, Number(fence))
  }
}

/** 96 bits: two of a thousand million addresses share one with a chance of one in a hundred thousand million. */
export function digestOfAddress(url: string): string {
  const address = URL.canParse(url) ? new URL(url).href : url
  return createHash('sha256').update(address).digest('base64url').slice(0, 16)
}

// Sealed by us, so the shape is ours.
function textOf(value: unknown): string {
  return (value as { text: string }).text
}
