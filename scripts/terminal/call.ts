import type { CommonOptions } from '../vault/settings.ts'
import type { Screen } from './screen.ts'

/** What one call of the command has at hand. */
export interface Call<Options extends CommonOptions = CommonOptions> {
  readonly options: Options
  readonly screen: Screen
  /** Aborts at SIGINT, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal
}
