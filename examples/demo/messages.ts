import type { HeaderRule, Liveness, Report } from 'sessionbridge'
import type { ShopAddress } from '../../test/site/address.ts'

/** What the demo tells its worker. By message and not by argument: arguments are visible to the whole machine. */
export interface Task {
  readonly shop: ShopAddress
  readonly directory: string
  readonly key: string
  /** Pages of orders to fetch over HTTP. */
  readonly from: number
  readonly to: number
  /** Pages to open in a browser afterwards, for comparison. */
  readonly browserPages: number
}

/** What the worker tells the demo. Names, places and figures only: no message holds a cookie or a token. */
export type News =
  | {
      readonly kind: 'opened'
      readonly isNew: boolean
      /** The server's own answer to whether it takes the session. */
      readonly liveness: Liveness
      readonly took: number
      readonly cookies: readonly { readonly name: string; readonly domain: string }[]
      readonly storage: readonly { readonly kind: string; readonly name: string; readonly origin: string }[]
      readonly dropped: Report
      readonly headerRules: readonly HeaderRule[]
      readonly bytes: number
    }
  | { readonly kind: 'called'; readonly method: string; readonly url: string; readonly status: number }
  /** `elapsed`: milliseconds since the first page of this process. */
  | { readonly kind: 'page'; readonly page: number; readonly elapsed: number }
  | { readonly kind: 'fetched'; readonly pages: number; readonly took: number }
  | { readonly kind: 'browsed'; readonly pages: number; readonly took: number; readonly total: string }
  | { readonly kind: 'failed'; readonly message: string }
