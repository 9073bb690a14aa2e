import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeadLetter, Letters, MapTools, Session } from '../src/index.ts'
import type { Call } from './terminal/call.ts'
import { CommandError, exitCodes, failureOf } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { openLetters } from './vault/letters-place.ts'
import { openStored } from './vault/open-stored.ts'
import { fullName, openVault } from './vault/open-vault.ts'
import type { CommonOptions, NetworkOptions } from './vault/settings.ts'

export interface RetryOptions extends CommonOptions, NetworkOptions {
  readonly list?: boolean
  readonly session?: string
  readonly out?: string
  readonly stream?: string
  readonly concurrency?: number
}

/** What became of one letter. */
interface Outcome {
  readonly letter: DeadLetter
  /** `kept`: it was not asked for. */
  readonly outcome: 'done' | 'failed' | 'kept'
  readonly status?: number
  readonly bytes?: number
  readonly file?: string
  /** Of the failure. */
  readonly code?: string
  readonly exitCode?: number
}

/** Asks dead letters again, each with its session. What is answered leaves them; the others stay, with one try more. */
export async function retry(call: Call<RetryOptions>, place: string | undefined): Promise<number> {
  const { options, screen } = call
  const { concurrency = 4 } = options
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new CommandError('usage', exitCodes.other, '--concurrency takes a whole number above zero.')
  const shelf = openLetters(place, options.stream)
  try {
    const vault = await openVault(call)
    const { letters, unreadable } = await vault.readLetters(shelf)
    const named = options.session === undefined ? undefined : fullName(options.session)
    const wanted = letters.filter(({ session }) => named === undefined || session === named)
    if (options.out !== undefined) await mkdir(options.out, { recursive: true, mode: 0o700 })
    const outcomes: Outcome[] = []
    for (const name of new Set(wanted.map(({ session }) => session))) {
      const own = wanted.filter(({ session }) => session === name)
      if (options.list === true) outcomes.push(...own.map(kept))
      else outcomes.push(...(await retrySession(call, { name, shelf, letters: own, concurrency })))
    }
    await report(call, outcomes, unreadable)
    if (unreadable > 0)
      screen.note(`${String(unreadable)} letters do not open: damaged, or sealed with another key`)
    return codeFor(outcomes, unreadable)
  } finally {
    await shelf.close()
  }
}

interface Own {
  readonly name: string
  readonly shelf: Letters
  readonly letters: readonly DeadLetter[]
  readonly concurrency: number
}

async function retrySession(
  call: Call<RetryOptions>,
  { name, shelf, letters, concurrency }: Own,
): Promise<Outcome[]> {
  const outcomes = new Map<DeadLetter, Outcome>()
  const settled = new Set<string>()
  try {
    const session = await openStored(call, name)
    try {
      const work = async (_url: string, { index }: MapTools): Promise<void> => {
        const letter = letters[index]
        if (letter === undefined) return
        try {
          outcomes.set(letter, await ask(session, letter, call))
        } catch (error) {
          outcomes.set(letter, failed(letter, error))
          throw error
        }
      }
      await session.map(only(letters, shelf, settled), work, { concurrency, signal: call.signal })
    } finally {
      await session.close()
    }
  } catch (error) {
    if (call.signal.aborted) throw error
    call.screen.error(`${name}: ${failureOf(error).message}`)
    // Also what was asked for when the session was found dead: it stays as it was, with no try more.
    for (const letter of letters)
      if (!settled.has(letter.id)) outcomes.set(letter, { ...failed(letter, error), outcome: 'kept' })
  }
  return letters.map((letter) => outcomes.get(letter) ?? kept(letter))
}

/** These letters of the shelf, and not what others add to it meanwhile; notes which have been settled. */
function only(letters: readonly DeadLetter[], shelf: Letters, settled: Set<string>): Letters {
  return {
    add: (some) => shelf.add(some),
    read: () => Promise.resolve({ letters: letters.map(({ kept }) => kept), damaged: 0 }),
    async settle(letter, again) {
      await shelf.settle(letter, again)
      settled.add(letter.id)
    },
    close: () => Promise.resolve(), // whoever opened it closes it
  }
}

async function ask(
  session: Session,
  letter: DeadLetter,
  { options, screen, signal }: Call<RetryOptions>,
): Promise<Outcome> {
  screen.progress(`asking ${printable(letter.place)}`)
  const { statusCode, body } = await session.http(letter.url, { signal })
  const file = options.out === undefined ? undefined : join(options.out, `${letter.id}.body`)
  if (file !== undefined) await writeFile(file, body, { mode: 0o600 })
  return {
    letter,
    outcome: 'done',
    status: statusCode,
    bytes: body.length,
    ...(file !== undefined && { file }),
  }
}

function kept(letter: DeadLetter): Outcome {
  return { letter, outcome: 'kept' }
}

function failed(letter: DeadLetter, error: unknown): Outcome {
  const { code, exitCode } = failureOf(error)
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : undefined
  return { letter, outcome: 'failed', code, exitCode, ...(status !== undefined && { status }) }
}

async function report({ screen }: Call, outcomes: readonly Outcome[], unreadable: number): Promise<void> {
  screen.stop()
  const counted = (kind: Outcome['outcome']): number =>
    outcomes.filter(({ outcome }) => outcome === kind).length
  const counts = { done: counted('done'), failed: counted('failed'), kept: counted('kept'), unreadable }
  await screen.data({
    ...counts,
    letters: outcomes.map(({ letter, ...facts }) => ({ ...letter.toJSON(), ...facts })),
  })
  const lines = outcomes.map(inWords)
  await screen.result(
    [...lines, `${String(counts.done)} done, ${String(counts.failed + counts.kept)} stay`].join('\n'),
  )
}

function inWords({ letter, outcome, status, code, file }: Outcome): string {
  const why = code ?? (outcome === 'kept' ? letter.code : undefined)
  const facts = [status, why, file].filter((word) => word !== undefined).join(' ')
  const tries = letter.tries + (outcome === 'failed' ? 1 : 0)
  const line = `${outcome.padEnd(6)}  ${letter.session}  ${printable(letter.place, 300)}  ${facts}`
  return outcome === 'done' ? line : `${line} · ${String(tries)} tries`
}

/** The first that says more than "something failed" wins: a dead session, a closed store. */
function codeFor(outcomes: readonly Outcome[], unreadable: number): number {
  const codes = outcomes.map(({ exitCode = exitCodes.ok }) => exitCode)
  if (unreadable > 0) codes.push(exitCodes.store)
  return codes.find((code) => code > exitCodes.other) ?? Math.max(exitCodes.ok, ...codes)
}
