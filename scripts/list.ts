import type { Call } from './terminal/call.ts'
import { exitCodes, failureOf } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { deathInWords, factsOf, keptInWords, countKept, type SessionFacts } from './vault/facts.ts'
import { openVault } from './vault/open-vault.ts'
import { storedNames } from './vault/session-names.ts'
import type { CommonOptions } from './vault/settings.ts'

export interface ListOptions extends CommonOptions {
  readonly account?: string
}

interface Entry {
  readonly name: string
  readonly savedAt: string | null
  readonly diesAt: string | null
  readonly because: string | null
  /** Why it does not open; `null` when it does. */
  readonly error: string | null
}

/** The stored sessions. One that does not open is in the list too, and makes the exit code 5. */
export async function list(call: Call<ListOptions>): Promise<number> {
  const { account } = call.options
  const stored = await storedNames(call)
  const names = stored.filter((name) => account === undefined || name.endsWith(`/${account}`))
  if (names.length === 0) {
    await call.screen.data({ sessions: [] })
    call.screen.note(
      stored.length === 0
        ? 'Nothing is stored yet. Make a session with "sessionbridge capture".'
        : `Nothing is stored for ${printable(account ?? '')}.`,
    )
    return exitCodes.ok
  }
  const vault = await openVault(call)
  const entries: Entry[] = []
  const lines: string[] = []
  const width = Math.max(...names.map((name) => printable(name).length))
  for (const name of names) {
    const padded = printable(name).padEnd(width)
    try {
      const stored = await vault.peek(name)
      if (stored === undefined) continue // removed by somebody else meanwhile
      const facts = factsOf(stored.snapshot)
      entries.push(entryOf(facts))
      lines.push(`${padded}  ${keptInWords(countKept(stored.snapshot.state))} · ${deathInWords(facts)}`)
    } catch (error) {
      const { message } = failureOf(error)
      entries.push({ name, savedAt: null, diesAt: null, because: null, error: message })
      lines.push(`${padded}  ${message}`)
    }
  }
  await call.screen.data({ sessions: entries })
  await call.screen.result(lines.join('\n'))
  return entries.some(({ error }) => error !== null) ? exitCodes.store : exitCodes.ok
}

function entryOf({ name, savedAt, diesAt, because }: SessionFacts): Entry {
  return { name, savedAt, diesAt, because, error: null }
}
