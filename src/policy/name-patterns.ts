/** Tells whether a name is one of `patterns`, where `*` stands for any characters and `?` for exactly one. */
export function namePatterns(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !isOpen(pattern)))
  const open = patterns.filter(isOpen).map(sourceOf)
  if (open.length === 0) return (name) => exact.has(name)
  const expression = new RegExp(`^(?:${open.join('|')})$`, 's')
  return (name) => exact.has(name) || expression.test(name)
}

function isOpen(pattern: string): boolean {
  return /[*?]/.test(pattern)
}

function sourceOf(pattern: string): string {
  return pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
}
