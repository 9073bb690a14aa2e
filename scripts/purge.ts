import type { Purged } from '../src/index.ts'
import type { Call } from './terminal/call.ts'
import { CommandError, exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { durationOf } from './vault/duration.ts'
import { counted } from './vault/facts.ts'
import { openVault } from './vault/open-vault.ts'
import type { CommonOptions } from './vault/settings.ts'

export interface PurgeOptions extends CommonOptions {
  readonly expired?: boolean
  readonly grace?: string
  readonly generationsOlderThan?: string
  readonly jobsOlderThan?: string
  readonly dryRun?: boolean
}

/** Removes what has ended and forgets what is old, and says what and why. */
export async function purge(call: Call<PurgeOptions>): Promise<number> {
  const {
    expired = false,
    grace,
    generationsOlderThan: age,
    jobsOlderThan: jobs,
    dryRun = false,
  } = call.options
  if (!expired && age === undefined && jobs === undefined)
    throw new CommandError(
      'usage',
      exitCodes.other,
      'purge does nothing unasked: say --expired, --generations-older-than 30d, --jobs-older-than 30d, or several.',
    )
  const vault = await openVault(call)
  const done = await vault.purge({
    ...{ expired, dryRun, signal: call.signal },
    ...(grace !== undefined && { grace: durationOf(grace, '--grace') }),
    ...(age !== undefined && { generationsOlderThan: durationOf(age, '--generations-older-than') }),
    ...(jobs !== undefined && { jobsOlderThan: durationOf(jobs, '--jobs-older-than') }),
  })
  await call.screen.data(done)
  await call.screen.result(inWords(done))
  return exitCodes.ok
}

function inWords({ sessions, generations, jobs, tombstones, skipped, dryRun }: Purged): string {
  const would = dryRun ? 'would be ' : ''
  const lines = [
    ...sessions.map(({ name, reason }) => `${printable(name)}  ${would}removed: ${reason}`),
    ...generations.map(
      ({ name, forgotten }) =>
        `${printable(name)}  ${counted(forgotten, 'earlier generation')} ${would}forgotten`,
    ),
    ...jobs.map(({ name, pages }) => `${name}  a job, ${counted(pages, 'page')}, ${would}removed`),
    ...tombstones.map(
      (name) => `${printable(name)}  was removed long ago; the last word of it ${would}forgotten`,
    ),
    ...skipped.map(({ name, why }) => `${printable(name)}  left: ${why}`),
  ]
  return lines.length === 0 ? 'There is nothing to purge.' : lines.join('\n')
}
