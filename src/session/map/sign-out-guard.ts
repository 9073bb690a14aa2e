import { isSignOut, type SignOutAddress } from '../../state/sign-outs.ts'

const signOutWords = /(?:^|[/_.-])(?:log|sign)[_-]?(?:out|off)(?:$|[/_.-])|(?:^|\/)end-?session(?:$|\/)/i

/**
 * The recipe's own, what such addresses are called everywhere, and what pages have linked to as signing out: a crawler that
 * follows all links would end its session.
 */
export function signsOut(
  url: string,
  declared: string | undefined,
  learned: readonly SignOutAddress[] = [],
): boolean {
  if (!URL.canParse(url)) return false
  const target = new URL(url)
  const { origin, pathname, searchParams } = target
  if (declared !== undefined) {
    const known = new URL(declared)
    if (known.origin === origin && known.pathname === pathname) return true
  }
  if (signOutWords.test(pathname) || isSignOut(target, learned)) return true
  return ['action', 'do', 'op', 'page'].some((name) => signOutWords.test(searchParams.get(name) ?? ''))
}
