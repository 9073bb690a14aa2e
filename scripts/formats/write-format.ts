import { formatState, type Report, type SessionState } from '../../src/index.ts'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import { printable, type Screen } from '../terminal/screen.ts'
import { counted } from '../vault/facts.ts'
import { targetFormat } from './format-options.ts'

export interface WritingOptions {
  readonly to: string
  readonly url?: string
  readonly strict?: boolean
}

/**
 * The state in the format that was asked for; what the format cannot express is said, or refused under `--strict`
 * before anything is written.
 */
export function writeFormat(screen: Screen, state: SessionState, options: WritingOptions): string {
  const { text, report } = formatState(state, targetFormat(options.to, options.url))
  if (report.length === 0) return text
  const losses = `${options.to} cannot express ${counted(report.length, 'thing')}`
  if (options.strict === true) {
    throw new CommandError(
      'refused',
      exitCodes.refused,
      `Not written: ${losses} (${examples(report)}). Leave out --strict to write the rest.`,
    )
  }
  screen.note(`${losses}: ${examples(report)}`)
  return text
}

function examples(report: Report): string {
  const rules = new Map<string, string[]>()
  for (const { kind, name, rule } of report) {
    const key = rule ?? kind
    const names = rules.get(key) ?? []
    names.push(printable(name, 40))
    rules.set(key, names)
  }
  return [...rules]
    .map(([rule, names]) => `${rule}: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`)
    .join('; ')
}
