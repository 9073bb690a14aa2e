import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Carrier } from '../../src/http/carrier.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import { Traffic } from '../../src/http/trouble/traffic.ts'
import type { Shop } from '../site/shop.ts'
import { carrierOf, cookie } from './clients.ts'

/** Places of the shop that give trouble, and sessions that have to deal with it. */
let host = 0

export type Answer = (req: IncomingMessage, res: ServerResponse, number: number) => void

export interface Place {
  readonly url: string
  readonly origin: string
  /** When the server saw them, ms. */
  readonly arrivals: number[]
}

/** A route on an origin of its own; its answers are told how many requests there were. */
export function placeOn(shop: Shop, answer: Answer): Place {
  const name = `r${String(++host)}.test`
  const arrivals: number[] = []
  shop.on(name, '/place', (req, res) => {
    arrivals.push(performance.now())
    answer(req, res, arrivals.length)
  })
  return { url: shop.httpUrl(name, '/place'), origin: new URL(shop.httpUrl(name)).origin, arrivals }
}

export function trafficTo(
  shop: Shop,
  options: HttpOptions = {},
): {
  carrier: Carrier
  traffic: Traffic
  options: HttpOptions
} {
  if (options.retry === undefined) options = { ...options, retry: { backOff: 5 } }
  const traffic = new Traffic(options)
  const carrier = carrierOf({ cookies: [cookie({ name: 'sid', value: 'one' })], traffic })
  return { carrier, traffic, options: { lookup: shop.lookup, ca: shop.ca, ...options } }
}
