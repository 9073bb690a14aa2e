import type { Rekeyed } from '../src/index.ts'
import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { counted } from './vault/facts.ts'
import { openVault } from './vault/open-vault.ts'

/** Seals everything with the first key. Interrupted, it goes on where it ended when it is run again. */
export async function rekey(call: Call): Promise<number> {
  const { screen, signal } = call
  const vault = await openVault(call)
  const done = await vault.rekey({
    signal,
    onProgress: ({ done: count, total, name }) => {
      screen.progress(`${String(count)} of ${String(total)}  ${printable(name)}`)
    },
  })
  screen.stop()
  await screen.data(done)
  await screen.result(inWords(done))
  return done.unreadable.length + done.unreadableNames > 0 ? exitCodes.store : exitCodes.ok
}

function inWords({ rekeyed, already, generationsForgotten, unreadable, unreadableNames }: Rekeyed): string {
  const counts =
    `${String(rekeyed)} sealed with the first key · ${String(already)} were already · ` +
    `${counted(generationsForgotten, 'earlier generation')} under other keys forgotten`
  const left = [
    ...unreadable.map(
      ({ name, defect }) => `${printable(name)}  left as it is: it does not open (${defect})`,
    ),
    ...(unreadableNames > 0 ? [`${counted(unreadableNames, 'session')} left, whose names do not open`] : []),
  ]
  return [...left, counts].join('\n')
}
