/** Tells whether a name is one of `patterns`, where `*` stands for any characters and `?` for exactly one. */
export function namePatterns(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set<string>()
  const open: RegExp[] = []
  for (const pattern of patterns) {
    if (/[*?]/.test(pattern)) open.push(expressionOf(pattern))
    else exact.add(pattern)
  }
  return (name) => exact.has(name) || open.some((expression) => expression.test(name))
}

function expressionOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's')
}
