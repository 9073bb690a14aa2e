import type * as Tough from 'tough-cookie'

export type ToughCookie = typeof Tough

let tough: ToughCookie | undefined

/** tough-cookie is loaded when the first jar is made: clients of ours that need no jar start without it. */
export function toughCookie(): ToughCookie {
  tough ??= process.getBuiltinModule('node:module').createRequire(import.meta.url)(
    'tough-cookie',
  ) as ToughCookie
  return tough
}
