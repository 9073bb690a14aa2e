const signOutWords = /(?:^|[/_.-])(?:log|sign)[_-]?(?:out|off)(?:$|[/_.-])|(?:^|\/)end-?session(?:$|\/)/i

/** The recipe's own, and what such addresses are called everywhere: a crawler that follows all links would end its session. */
export function signsOut(url: string, declared: string | undefined): boolean {
  if (!URL.canParse(url)) return false
  const { origin, pathname, searchParams } = new URL(url)
  if (declared !== undefined) {
    const known = new URL(declared)
    if (known.origin === origin && known.pathname === pathname) return true
  }
  if (signOutWords.test(pathname)) return true
  return ['action', 'do', 'op', 'page'].some((name) => signOutWords.test(searchParams.get(name) ?? ''))
}
