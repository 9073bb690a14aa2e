import type { Minimized, Session } from '../src/index.ts'
import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { table } from './terminal/table.ts'
import { counted, countKept, keptInWords } from './vault/facts.ts'
import { openStored } from './vault/open-stored.ts'
import type { CommonOptions, NetworkOptions } from './vault/settings.ts'

export interface MinimizeOptions extends CommonOptions, NetworkOptions {
  readonly apply?: boolean
  readonly keep?: readonly string[]
}

/** Finds the smallest state that the server still takes as signed in, and with `--apply` puts it in place. */
export async function minimize(call: Call<MinimizeOptions>, text: string): Promise<number> {
  const { options, screen, signal } = call
  const session = await openStored(call, text)
  try {
    screen.progress('Asking the server with less and less …')
    const found = await session.minimize({
      apply: options.apply === true,
      signal,
      ...(options.keep !== undefined && { keep: options.keep }),
    })
    const kept = countKept(found.state)
    const { removed, probes, smallest, applied } = found
    await screen.data({ name: session.name, kept, needed: needs(found), removed, probes, smallest, applied })
    await screen.result(inWords(session, found))
    return exitCodes.ok
  } finally {
    await session.close()
  }
}

function needs({ state }: Minimized): { kind: string; name: string; where: string }[] {
  return [
    ...state.cookies.map(({ name, domain, path }) => ({ kind: 'cookie', name, where: domain + path })),
    ...state.origins.flatMap(({ origin, localStorage, sessionStorage = [], indexedDB = [] }) => [
      ...localStorage.map(({ name }) => ({ kind: 'localStorage', name, where: origin })),
      ...sessionStorage.map(({ name }) => ({ kind: 'sessionStorage', name, where: origin })),
      ...indexedDB.map(({ name }) => ({ kind: 'indexedDB', name, where: origin })),
    ]),
  ]
}

function inWords({ name }: Session, found: Minimized): string {
  const bound = found.smallest ? '' : ' · stopped early, there may be less'
  const next = found.applied ? 'put in place and saved' : 'nothing changed; --apply puts it in place'
  const row = (item: { kind: string; name: string; where: string; rule?: string }): string[] => [
    printable(item.name === '' ? '(no name)' : item.name, 60),
    printable(item.where, 60),
    printable(item.kind),
    ...(item.rule === undefined ? [] : [printable(item.rule, 200)]),
  ]
  return [
    `${printable(name)}  ${keptInWords(countKept(found.state))} suffice, ${String(found.removed.length)} not needed · ` +
      `asked ${counted(found.probes, 'time')}${bound} · ${next}`,
    ...table('needed', needs(found).map(row)),
    ...table('not needed', found.removed.map(row)),
  ].join('\n')
}
