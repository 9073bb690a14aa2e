/** Where the library says what it does. A pino logger fits; names and places only, never a value. */
export interface Logger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

export const silentLogger: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined }

/** What may be said of any error: its code or its kind. Messages of foreign errors may quote what was sent. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
