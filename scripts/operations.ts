import type { Command } from 'commander'
import type { PurgeOptions } from './purge.ts'
import type { RetryOptions } from './retry.ts'
import type { SignOutOptions } from './sign-out.ts'
import type { Call } from './terminal/call.ts'
import { addNetworkOptions, type CommonOptions } from './vault/settings.ts'

export interface Describing {
  readonly command: (usage: string, about: string) => Command
  readonly run: <Options extends CommonOptions>(
    options: Options,
    work: (call: Call<Options>) => Promise<number>,
  ) => Promise<void>
}

/** The sub-commands for looking after what is stored. */
export function describeOperations({ command, run }: Describing): void {
  command('history <name>', 'the generations of a session that are kept').action(
    (name: string, options: CommonOptions) =>
      run(options, async (call) => (await import('./history.ts')).history(call, name)),
  )

  command(
    'rollback <name> [version]',
    'make an earlier generation the newest again (default: the last proven one before the newest)',
  ).action((name: string, version: string | undefined, options: CommonOptions) =>
    run(options, async (call) => (await import('./rollback.ts')).rollback(call, name, version)),
  )

  command('clone <name> <account>', 'copy a session to the name of another account').action(
    (name: string, account: string, options: CommonOptions) =>
      run(options, async (call) => (await import('./clone.ts')).clone(call, name, account)),
  )

  command('rekey', 'seal everything with the first key; run again to go on where it was interrupted').action(
    (options: CommonOptions) => run(options, async (call) => (await import('./rekey.ts')).rekey(call)),
  )

  command('purge', 'remove what has ended, forget what is old')
    .option('--expired', 'sessions whose forecast end has passed, and those known to be dead')
    .option('--grace <time>', 'with --expired: only those that ended longer ago, such as 7d')
    .option('--generations-older-than <time>', 'kept generations (never the newest), such as 30d')
    .option('--jobs-older-than <time>', 'records of jobs that processes shared (session.map), such as 30d')
    .option('--dry-run', 'only say what would be done')
    .action((options: PurgeOptions) =>
      run(options, async (call: Call<PurgeOptions>) => (await import('./purge.ts')).purge(call)),
    )

  addNetworkOptions(
    command('sign-out <name>', 'end a session on the server and forget it: 0 ended, 1 not proven'),
  )
    .option('--recipe <file>', 'recipe with a signOut')
    .option('--post <url>', 'URL that ends the session when it is sent a POST')
    .action((name: string, options: SignOutOptions) =>
      run(options, async (call: Call<SignOutOptions>) => (await import('./sign-out.ts')).signOut(call, name)),
    )

  command('events <name>', 'what has happened to a session').action((name: string, options: CommonOptions) =>
    run(options, async (call) => (await import('./events.ts')).events(call, name)),
  )

  command('unlock <name>', 'let an account sign in again after failed logins').action(
    (name: string, options: CommonOptions) =>
      run(options, async (call) => (await import('./unlock.ts')).unlock(call, name)),
  )

  addNetworkOptions(
    command(
      'retry [letters]',
      'ask dead letters again: a file, or the URL of a Redis (default: SESSIONBRIDGE_LETTERS); what succeeds leaves them',
    ),
  )
    .option('--list', 'only say what is there')
    .option('--session <name>', 'only those of this session')
    .option('--out <folder>', 'write each answer to a file of its own, readable by you alone')
    .option('--stream <key>', 'stream of the letters in a Redis (default: sessionbridge:letters)')
    .option('--concurrency <count>', 'how many at a time (default: 4)', Number)
    .action((letters: string | undefined, options: RetryOptions) =>
      run(options, async (call: Call<RetryOptions>) => (await import('./retry.ts')).retry(call, letters)),
    )

  command('stats', 'what stands in the store, counted').action((options: CommonOptions) =>
    run(options, async (call) => (await import('./stats.ts')).stats(call)),
  )
}
