import type { Report, ReportItem, SessionState } from '../src/index.ts'
import type { Call } from './terminal/call.ts'
import { CommandError, exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { counted } from './vault/facts.ts'
import { fullName, openVault, readSession } from './vault/open-vault.ts'
import type { CommonOptions } from './vault/settings.ts'

export interface ExportOptions extends CommonOptions {
  readonly to: string
  readonly strict?: boolean
}

const formats = new Map([['playwright', toPlaywright]])

/** The one sub-command whose result holds secrets: it is asked for by name, and says so on a terminal. */
export async function exportSession(call: Call<ExportOptions>, text: string): Promise<number> {
  const { options, screen } = call
  const format = formats.get(options.to)
  if (format === undefined) {
    const known = [...formats.keys()].join(', ')
    throw new CommandError(
      'usage',
      exitCodes.other,
      `There is no format "${printable(options.to)}"; --to takes ${known}.`,
    )
  }
  const name = fullName(text)
  const { snapshot } = await readSession(await openVault(call), name)
  const { text: written, report } = format(snapshot.state)
  if (report.length > 0 && options.strict === true) {
    throw new CommandError(
      'refused',
      exitCodes.refused,
      `Not exported: ${options.to} cannot express ${counted(report.length, 'thing')} (${examples(report)}). Leave out --strict to export the rest.`,
    )
  }
  if (process.stdout.isTTY)
    screen.note('These are the secrets of the session. Send them to a file: … > state.json')
  if (report.length > 0)
    screen.note(`${options.to} cannot express ${counted(report.length, 'thing')}: ${examples(report)}`)
  // The same under --json: an export is a document of its own.
  await screen.bytes(written)
  return exitCodes.ok
}

/**
 * Playwright's storage state. What we hold beyond it stays in the text, where Playwright passes over it and
 * `parseState` finds it again; the report says what a context loaded from it will lack.
 */
function toPlaywright(state: SessionState): { text: string; report: Report } {
  const beyond = (kind: ReportItem['kind'], name: string, where: string, rule: string): ReportItem => {
    return { kind, name, where, reason: 'unsupported', rule }
  }
  const sameSite = state.cookies
    .filter((cookie) => cookie.sameSite === undefined)
    .map((cookie) => beyond('cookie', cookie.name, cookie.domain + cookie.path, 'SameSite unset becomes Lax'))
  const storage = state.origins.flatMap(({ origin, sessionStorage = [] }) =>
    sessionStorage.map(({ name }) =>
      beyond('sessionStorage', name, origin, 'no sessionStorage in storage states'),
    ),
  )
  return { text: `${JSON.stringify(state, null, 2)}\n`, report: [...sameSite, ...storage] }
}

function examples(report: Report): string {
  const rules = new Map<string, string[]>()
  for (const { kind, name, rule } of report) {
    const key = rule ?? kind
    rules.set(key, [...(rules.get(key) ?? []), printable(name, 40)])
  }
  return [...rules]
    .map(([rule, names]) => `${rule}: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`)
    .join('; ')
}
