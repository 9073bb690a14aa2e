import type { Command } from 'commander'

/** Options that every sub-command has. */
export interface CommonOptions {
  readonly store?: string
  readonly keyFile?: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
}

/** Options of the sub-commands that talk to a server. */
export interface NetworkOptions {
  readonly resolve?: readonly string[]
  readonly cacert?: string
  readonly timeout?: number
}

export function addCommonOptions(command: Command): Command {
  return command
    .option(
      '--store <place>',
      'folder of the sealed sessions, or URL of a Redis (default: SESSIONBRIDGE_STORE, else your data folder)',
    )
    .option(
      '--key-file <path>',
      'file with the sealing key, mode 0600 (default: SESSIONBRIDGE_KEY, else <store>.key)',
    )
    .option('--json', 'the result as JSON on stdout')
    .option('-q, --quiet', 'no progress, errors only')
    .option('-v, --verbose', 'what the library does, as JSON lines on stderr; secrets are never in them')
}

export function addNetworkOptions(command: Command): Command {
  return command
    .option(
      '--resolve <host:addr>',
      'use this address for a host (host:port:addr works as in curl; *.example.com means all below; repeatable)',
      gather,
    )
    .option('--cacert <file>', 'trust these certificates (PEM) too')
    .option('--timeout <seconds>', 'longest time for the whole', seconds)
}

/** For options that may be given several times. */
export function gather(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

function seconds(text: string): number {
  const value = Number(text)
  return Number.isFinite(value) && value > 0 ? value : Number.NaN
}

export function present(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
