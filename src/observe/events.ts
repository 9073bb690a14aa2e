/** Where the library says what it does. A pino logger fits; names and places only, never a value. */
export interface Logger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

export const silentLogger: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined }
