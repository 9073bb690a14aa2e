import { defineRecipe, type Recipe } from '../recipe.ts'

/** What all recipes for signing in without a browser take. */
export interface AuthOptions
  extends
    Pick<Recipe, 'name'>,
    Partial<
      Pick<
        Recipe,
        | 'home'
        | 'probe'
        | 'domains'
        | 'protect'
        | 'timeout'
        | 'keepAlive'
        | 'attempts'
        | 'signOut'
        | 'context'
      >
    > {
  /** Of the service that is to be used: its origin gets the credential. */
  readonly url: string
  /** Further origins that get the credential; default: only that of `url`. */
  readonly origins?: readonly string[]
}

export interface Ways {
  readonly signIn: NonNullable<Recipe['signIn']>
  readonly rotate?: Exclude<Recipe['rotate'], string>
  /** Where else credentials are shown, such as the token endpoint. */
  readonly places?: readonly (string | undefined)[]
}

/** A recipe whose credentials go to the origins that its author has written down, and nowhere else. */
export function authRecipe<O extends AuthOptions>(options: O, own: readonly (keyof O)[], ways: Ways): Recipe {
  const { origins = [], domains = [] } = options
  const places = (ways.places ?? []).filter((url) => url !== undefined)
  const fields = Object.fromEntries(
    Object.entries(options).filter(([field]) => field !== 'origins' && !own.includes(field as keyof O)),
  ) as unknown as Pick<Recipe, 'name' | 'url'>
  return defineRecipe({
    ...fields,
    domains: [...new Set([...domains, ...[...origins, ...places].map(originOf)])],
    signIn: ways.signIn,
    ...(ways.rotate !== undefined && { rotate: ways.rotate }),
  })
}

/** The origins that get the credential. */
export function targetsOf({ url, origins = [] }: AuthOptions): string[] {
  return [...new Set([url, ...origins].map(originOf))]
}

function originOf(url: string): string {
  if (!URL.canParse(url)) throw new TypeError('Origins and endpoints of a recipe must be absolute URLs')
  return new URL(url).origin
}
