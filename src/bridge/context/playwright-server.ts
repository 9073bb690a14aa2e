/**
 * Playwright's own object behind a public one, where it runs in this process: it can be asked what has no public call,
 * at no cost. Undefined for a browser of another process, and wherever Playwright may have moved its insides: each
 * asker has a slower, public way, and visited.test.ts notices when that is the one taken.
 */
export function serverObject(object: object): Readonly<Record<string, unknown>> | undefined {
  try {
    const { _connection } = object as { _connection?: { toImpl?: (object: unknown) => unknown } }
    const found = _connection?.toImpl?.(object)
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
