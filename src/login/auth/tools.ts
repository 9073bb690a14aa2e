import { RecipeInvalidError } from '../../errors.ts'
import type { SessionHttp } from '../../http/client.ts'
import { isHeaderName, isHeaderValue } from '../../http/rules/header-rules.ts'
import type { Cell } from '../../state/cell.ts'
import { addHeaderRules } from '../../state/header-rules.ts'
import type { HeaderRule } from '../../state/identity.ts'
import type { OriginState } from '../../state/state.ts'
import { allowedOrigins } from '../allowed-origins.ts'
import { LoginEnded } from '../explain.ts'
import type { HeaderOptions, Recipe, RotateTools } from '../recipe.ts'
import { keep, kept, keptHost, keptName } from './kept.ts'

export interface ToolsWork {
  readonly recipe: Pick<Recipe, 'name' | 'url' | 'domains'>
  readonly cell: Cell
  readonly http: SessionHttp
  readonly signal: AbortSignal
  readonly secret: (name: string) => Promise<string>
  /** What there is already. */
  readonly headerRules: readonly HeaderRule[]
}

export interface Tools {
  readonly tools: RotateTools
  /** With what `setHeader` has added. */
  readonly headerRules: () => readonly HeaderRule[]
}

/** What `signIn`, `rotate` and `signOut` may do to a session: ask over HTTP, read and write what it is made of. */
export function openTools({ recipe, cell, http, signal, secret, headerRules }: ToolsWork): Tools {
  let rules = headerRules
  const tools: RotateTools = {
    http,
    signal,
    secret,
    getItem: (origin, key, area = 'localStorage') =>
      cell.origin(origin)?.[area]?.find(({ name }) => name === key)?.value,
    setItem(origin, key, value, area = 'localStorage') {
      const before: OriginState = cell.origin(origin) ?? { origin: new URL(origin).origin, localStorage: [] }
      const others = (before[area] ?? []).filter(({ name }) => name !== key)
      const items = value === undefined ? others : [...others, { name: key, value }]
      cell.merge(
        { set: [], removed: [], origins: [{ ...before, [area]: items }], removedOrigins: [] },
        'rotate',
      )
    },
    cookies: () => cell.state.cookies,
    kept: (name) => kept(cell, name),
    keep: (name, value, options) => {
      keep(cell, name, value, options)
    },
    setHeader(header, value, options = {}) {
      const rule = declaredRule(recipe, header, options)
      if (!isHeaderValue(value))
        throw new RecipeInvalidError(recipe.name, `what is to go into header ${header} does not fit into one`)
      if (options.fromCookie === undefined) keep(cell, header, value, options)
      rules = addHeaderRules(rules, [rule])
    },
    reject: (why) => {
      throw new LoginEnded('rejected', why)
    },
  }
  return { tools, headerRules: () => rules }
}

/** Goes only where the recipe says that its credentials may go. */
function declaredRule(
  recipe: ToolsWork['recipe'],
  header: string,
  { origins = [recipe.url], methods = 'all', prefix = '', fromCookie }: HeaderOptions,
): HeaderRule {
  if (!isHeaderName(header)) throw new RecipeInvalidError(recipe.name, 'a header name holds what it must not')
  const allowed = allowedOrigins(recipe)
  const targets = origins.map((origin) => new URL(origin).origin)
  const foreign = targets.find((origin) => !allowed.has(origin))
  if (foreign !== undefined)
    throw new RecipeInvalidError(
      recipe.name,
      `header ${header} would go to ${foreign}, allowed are ${allowed.list.join(', ')}. Add it to the recipe's domains`,
    )
  return {
    header,
    origins: targets,
    methods,
    prefix,
    source:
      fromCookie === undefined
        ? { from: 'cookie', name: keptName(header), domain: keptHost }
        : { from: 'cookie', name: fromCookie },
  }
}
