/**
 * Tells whether a name is one of `patterns`, where `*` stands for any characters and `?` for exactly one; with `digits`
 * also `#` for one or more digits (a name may hold a `#` itself, so patterns that people write do without).
 */
export function namePatterns(
  patterns: readonly string[],
  { digits = false }: { readonly digits?: boolean } = {},
): (name: string) => boolean {
  const special = digits ? /[*?#]/ : /[*?]/
  const exact = new Set(patterns.filter((pattern) => !special.test(pattern)))
  const open = patterns
    .filter((pattern) => special.test(pattern))
    .map((pattern) => (digits ? sourceOf(pattern).replaceAll('#', '[0-9]+') : sourceOf(pattern)))
  if (open.length === 0) return (name) => exact.has(name)
  const expression = new RegExp(`^(?:${open.join('|')})$`, 's')
  return (name) => exact.has(name) || expression.test(name)
}

function sourceOf(pattern: string): string {
  return pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
}
