import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { BlockedError } from '../http/traffic-errors.ts'
import { ClosedError, plainUrl, SessionDeadError } from '../errors.ts'

export interface MapOptions {
  /** How many at a time; default 8. */
  readonly concurrency?: number
  /**
   * A file that remembers what is done (digests, no addresses). When the program has ended early, the same call goes on where
   * it stopped. What was under way at a crash is done again.
   */
  readonly checkpoint?: string
  /** Told after each one. */
  readonly progress?: (progress: MapProgress) => void
  readonly signal?: AbortSignal
}

export interface MapProgress {
  readonly done: number
  readonly failed: number
  /** Done by an earlier run, or not visited because it would sign out. */
  readonly skipped: number
  /** `undefined` while the addresses are still coming in. */
  readonly total: number | undefined
}

export interface MapResult extends MapProgress {
  readonly total: number
  /** In no order; a run with the same checkpoint tries them again. Addresses without query. */
  readonly failures: readonly { readonly url: string; readonly error: unknown }[]
  /** Addresses that would have signed the session out; without query. */
  readonly guarded: readonly string[]
}

/** What one address is worked on with. */
export interface MapTools {
  /** From 0, in the order of the addresses. */
  readonly index: number
  /** Aborts when the whole is called off. */
  readonly signal: AbortSignal
}

export type MapWork = (url: string, tools: MapTools) => Promise<unknown>

interface MapHost {
  readonly name: string
  /** Address that signs out, when the recipe names one. */
  readonly signOut: string | undefined
}

/**
 * Works through addresses, some at a time. One that fails is noted and the others go on; but a session that is dead, closed
 * or kept out ends the whole, since going on would make it worse.
 */
export async function mapUrls(
  host: MapHost,
  urls: Iterable<string | URL> | AsyncIterable<string | URL>,
  work: MapWork,
  options: MapOptions = {},
): Promise<MapResult> {
  const { concurrency = 8, progress, signal } = options
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new TypeError('session.map: concurrency must be a whole number above zero')
  const checkpoint = await openCheckpoint(host.name, options.checkpoint)
  const counts = { done: 0, failed: 0, skipped: 0 }
  const failures: { url: string; error: unknown }[] = []
  const guarded: string[] = []
  const stop = new AbortController()
  const ended = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  const source = iterate(urls)
  let taken = 0
  let total: number | undefined

  async function worker(): Promise<void> {
    while (!ended.aborted && total === undefined) {
      const index = taken++
      const next = await source.next()
      if (next.done === true) {
        total ??= index
        return
      }
      await one(String(next.value), index)
      progress?.({ ...counts, total })
    }
  }

  async function one(url: string, index: number): Promise<void> {
    if (checkpoint?.has(url) === true) counts.skipped += 1
    else if (signsOut(url, host.signOut)) {
      counts.skipped += 1
      guarded.push(plainUrl(url))
    } else
      try {
        await work(url, { index, signal: ended })
        await checkpoint?.add(url)
        counts.done += 1
      } catch (error) {
        if (ended.aborted || endsAll(error)) throw error
        counts.failed += 1
        failures.push({ url: plainUrl(url), error })
      }
  }

  try {
    await allOrNone(Array.from({ length: concurrency }, worker), stop)
    signal?.throwIfAborted()
    return { ...counts, total: counts.done + counts.failed + counts.skipped, failures, guarded }
  } finally {
    await source.return?.()
    await checkpoint?.close()
  }
}

/** The first failure calls the others off, and is thrown when they have ended. */
async function allOrNone(workers: readonly Promise<void>[], stop: AbortController): Promise<void> {
  let first: { readonly error: unknown } | undefined
  const ending = workers.map((worker) =>
    worker.catch((error: unknown) => {
      first ??= { error }
      stop.abort(error)
    }),
  )
  await Promise.all(ending)
  if (first !== undefined) throw first.error
}

function endsAll(error: unknown): boolean {
  const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error
  return cause instanceof BlockedError || cause instanceof SessionDeadError || cause instanceof ClosedError
}

const signOutWords = /(?:^|[/_.-])(?:log|sign)[_-]?(?:out|off)(?:$|[/_.-])|(?:^|\/)end-?session(?:$|\/)/i

/** The recipe's own, and what such addresses are called everywhere: a crawler that follows all links would end its session. */
export function signsOut(url: string, declared: string | undefined): boolean {
  if (!URL.canParse(url)) return false
  const { origin, pathname, searchParams } = new URL(url)
  if (declared !== undefined) {
    const known = new URL(declared)
    if (known.origin === origin && known.pathname === pathname) return true
  }
  if (signOutWords.test(pathname)) return true
  return ['action', 'do', 'op', 'page'].some((name) => signOutWords.test(searchParams.get(name) ?? ''))
}

function iterate<T>(items: Iterable<T> | AsyncIterable<T>): AsyncIterator<T> {
  if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]()
  const iterator = items[Symbol.iterator]()
  return { next: () => Promise.resolve(iterator.next()) }
}

interface Checkpoint {
  has(url: string): boolean
  add(url: string): Promise<void>
  close(): Promise<void>
}

const digestLength = 22

/** One digest a line, appended when its work is done; a line that a crash cut short does not count. */
async function openCheckpoint(session: string, path: string | undefined): Promise<Checkpoint | undefined> {
  if (path === undefined) return undefined
  const { O_CREAT, O_RDWR, O_APPEND, O_NOFOLLOW } = constants
  const file = await open(path, O_CREAT | O_RDWR | O_APPEND | O_NOFOLLOW, 0o600)
  try {
    const done = await readCheckpoint(file, `sessionbridge map ${session}`)
    return {
      has: (url) => done.has(digest(url)),
      add: (url) => file.appendFile(`${digest(url)}\n`),
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function readCheckpoint(file: FileHandle, title: string): Promise<ReadonlySet<string>> {
  const text = await file.readFile('utf8')
  if (text === '') await file.appendFile(`${title}\n`)
  else if (!text.startsWith(`${title}\n`))
    throw new TypeError('session.map: the checkpoint is not one of this session. Name another file.')
  else if (!text.endsWith('\n')) await file.appendFile('\n')
  return new Set(text.split('\n').filter((line) => line.length === digestLength))
}

function digest(url: string): string {
  return createHash('sha256').update(url).digest('base64url').slice(0, digestLength)
}
