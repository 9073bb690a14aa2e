import type { Logger } from '../../src/index.ts'
import type { Screen } from './screen.ts'

export interface LogWishes {
  readonly verbose: boolean
  /** Show the steps of a login, which the library logs at level debug, as progress. */
  readonly steps: boolean
}

/**
 * What the library says it does: steps become progress; with `--verbose` everything goes to stderr as pino's lines.
 * Redacted by construction: only short scalars pass, URLs without user, query and fragment, and of errors the message
 * that the library wrote. pino's own `redact` would need to know where secrets are; here they have no way in.
 */
export async function openLog(screen: Screen, wishes: LogWishes): Promise<Logger> {
  const progress = (facts: object, message: string): void => {
    // What has a code is a standing fact, such as where the identity ends, and no step: for --verbose.
    if (!('code' in facts)) screen.progress(message)
  }
  if (!wishes.verbose)
    return { debug: wishes.steps ? progress : ignore, info: progress, warn: noteTo(screen) }
  const { pino } = await import('pino')
  const log = pino({ level: 'debug', base: null }, pino.destination({ fd: 2, sync: true }))
  return {
    debug: (facts, message) => {
      log.debug(logView(facts), message)
    },
    info: (facts, message) => {
      log.info(logView(facts), message)
    },
    warn: (facts, message) => {
      log.warn(logView(facts), message)
    },
  }
}

function ignore(): void {
  // for --verbose
}

function noteTo(screen: Screen): Logger['warn'] {
  return (facts, message) => {
    const words = Object.entries(logView(facts)).map(([name, value]) => `${name} ${String(value)}`)
    screen.note(`warning: ${message}${words.length === 0 ? '' : ` (${words.join(', ')})`}`)
  }
}

export function logView(facts: object): Record<string, string | number | boolean> {
  const view: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(facts)) {
    if (typeof value === 'number' || typeof value === 'boolean') view[name] = value
    if (typeof value === 'string') view[name] = withoutQueries(value).slice(0, 300)
    if (value instanceof URL) view[name] = withoutQueries(value.href)
  }
  return view
}

function withoutQueries(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s"'<>/?#@]*@/gi, '$1')
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s"'<>?#]+)[?#][^\s"'<>]*/gi, '$1')
}
