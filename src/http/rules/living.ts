import type { HeaderRule } from '../../state/header-rule.ts'
import type { Carrier } from '../carrier.ts'
import type { Deadline } from '../deadline.ts'
import type { Exchange, ExchangeRequest } from '../exchange.ts'
import type { Hop } from '../hop.ts'
import type { ReadAnswer } from './living-rules.ts'
import type { WireAnswer } from '../wire/wire.ts'

/** What one request has to do with rules that come over the wire or go into bodies. */
export interface Living {
  /** To be called before each hop. */
  prepare(hop: Hop): Promise<void>
  /** The body to be sent. */
  filled(hop: Hop, body: ExchangeRequest['body']): ExchangeRequest['body']
  /** True, at most once: send the hop again. */
  isOver(hop: Hop, answer: WireAnswer): Promise<boolean>
  wants(hop: Hop, answer: WireAnswer): boolean
  take(hop: Hop, read: ReadAnswer): void
}

/** `undefined` for sessions without such rules, and for what is asked anonymously: these pay a comparison. */
export type OpenLiving = (request: ExchangeRequest, deadline: Deadline) => Promise<Living> | undefined

export function createLiving(carrier: Carrier, exchange: Exchange): OpenLiving {
  let rules: readonly HeaderRule[] | undefined
  let isNeeded = false
  return (request, deadline) => {
    const { headerRules } = carrier
    if (headerRules !== rules) {
      rules = headerRules
      isNeeded = rules.some(
        ({ in: place, source: { from } }) => place !== undefined || from === 'page' || from === 'answer',
      )
    }
    if (!isNeeded || request.reading === true) return undefined
    return import('./living-rules.ts').then(({ openLiving }) =>
      openLiving(carrier, request, deadline, exchange),
    )
  }
}
