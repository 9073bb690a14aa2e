import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { table } from './terminal/table.ts'
import { explainInWords, explanationOf } from './vault/explain.ts'
import { carriedInWords, deathInWords, factsOf, localTime, type SessionFacts } from './vault/facts.ts'
import { fullName, openVault, readSession } from './vault/open-vault.ts'
import type { CommonOptions } from './vault/settings.ts'

export interface ShowOptions extends CommonOptions {
  readonly explain?: boolean
}

/** What a stored session holds: names, places, lifetimes; never a value. */
export async function show(call: Call<ShowOptions>, text: string): Promise<number> {
  const name = fullName(text)
  const { snapshot, bytes } = await readSession(await openVault(call), name)
  const facts = factsOf(snapshot)
  const explanation = call.options.explain === true ? explanationOf(snapshot) : undefined
  await call.screen.data({ ...facts, bytes, ...(explanation !== undefined && { explain: explanation }) })
  const body =
    explanation === undefined
      ? [...cookies(facts), ...storage(facts), ...headers(facts), ...dropped(facts)]
      : [...headers(facts), ...explainInWords(explanation)]
  await call.screen.result([...head(facts, bytes), ...body].join('\n'))
  return exitCodes.ok
}

function head(facts: SessionFacts, bytes: number): string[] {
  const verified = facts.verifiedAt === null ? 'never' : localTime(facts.verifiedAt)
  return [
    `${printable(facts.name)}  ${deathInWords(facts)}`,
    `  carried by   ${carriedInWords(facts.carriedBy)}`,
    `  verified     ${verified}${facts.probe === null ? '' : ` by ${printable(facts.probe)}`}`,
    `  saved        ${localTime(facts.savedAt)}, ${String(bytes)} bytes, epoch ${String(facts.epoch)}, generation ${String(facts.generation)}`,
    ...(facts.userAgent === null ? [] : [`  browser      ${printable(facts.userAgent, 160)}`]),
  ]
}

function cookies(facts: SessionFacts): string[] {
  const rows = facts.cookies.map((cookie) => [
    printable(cookie.name === '' ? '(no name)' : cookie.name, 60),
    printable(cookie.domain + cookie.path, 60),
    cookie.expires === null ? 'until the browser closes' : `until ${localTime(cookie.expires)}`,
    [
      ...(cookie.httpOnly ? ['HttpOnly'] : []),
      ...(cookie.secure ? ['Secure'] : []),
      ...(cookie.sameSite === null ? [] : [`SameSite=${cookie.sameSite}`]),
      ...(cookie.partition === null ? [] : [`partition ${printable(cookie.partition, 60)}`]),
    ].join(' '),
  ])
  return table('cookies', rows)
}

function storage(facts: SessionFacts): string[] {
  const rows = facts.origins.flatMap((origin) =>
    (['localStorage', 'sessionStorage', 'indexedDB'] as const).flatMap((area) =>
      origin[area].map((key) => [printable(key, 60), printable(origin.origin, 60), area]),
    ),
  )
  return table('storage', rows)
}

function headers(facts: SessionFacts): string[] {
  const rows = facts.headerRules.map((rule) => [
    `${rule.in !== 'header' ? 'field ' : ''}${printable(rule.header, 60)} ← ${printable(rule.source, 160)}`,
    `to ${printable([...rule.origins, ...rule.paths.map((path) => `below ${path}`)].join(', '), 200)}`,
    rule.methods === 'unsafe' ? 'with writes only' : 'with every request',
  ])
  return table('headers', rows)
}

function dropped(facts: SessionFacts): string[] {
  const rows = facts.dropped.map(({ kind, name, where, reason, rule }) => [
    printable(name === '' ? '(no name)' : name, 60),
    printable(where, 60),
    printable(kind),
    printable(reason.replaceAll('-', ' ') + (rule === null ? '' : `: ${rule}`), 100),
  ])
  return table('dropped at the login', rows)
}
