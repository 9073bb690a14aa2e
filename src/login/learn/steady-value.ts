import { saysWho } from '../../state/header-rule.ts'
import type { Sighting } from './sightings.ts'

/** Why a header that pages made themselves is not carried. */
export type NotSteady = 'made for each request' | 'changes without a sign of when' | 'seen once only'

/** Headers that number, trace, time or sign one request: sent again they would lie. */
const perRequest =
  /(?:^|[-_])(?:request|correlation|trace|span|transaction|invocation|message|event|operation)[-_]?id$|^(?:traceparent|tracestate|baggage|b3|x-b3-.*|sentry-.*|x-datadog-.*|newrelic|x-cloud-trace-context|uber-trace-id|x-amz-.*|x-ms-date|dpop|digest|signature.*|x-goog-.*)$|(?:^|[-_])(?:signature|sign|timestamp|time|date|hmac|hash|checksum)$/i
const signingSchemes = /^(?:aws4-|dpop |digest |hawk |oauth |signature |hmac)/i
/** Carried also when it was seen once, as what says who asks is. */
const plainConstant = /^x-requested-with$/i

/**
 * The value of a header that stands nowhere: the last one, if pages send the same again and again, or once under a name that
 * says who asks. What was another one each time is made for each request.
 */
export function steadyValue(sightings: readonly Sighting[]): { readonly value: string } | NotSteady {
  const last = sightings.at(-1)
  if (last === undefined || isMadePerRequest(last)) return 'made for each request'
  const values = sightings.map(({ value }) => value)
  const times = values.filter((value) => value === last.value).length
  const kinds = new Set(values).size
  const isNamed = last.in === undefined && (saysWho.test(last.header) || plainConstant.test(last.header))
  if (kinds === 1) return times > 1 || isNamed ? { value: last.value } : 'seen once only'
  // It was one thing for a while and is another now: a token that was renewed. One value each time is no token.
  const runs = values.filter((value, at) => value !== values[at - 1]).length
  if (runs === kinds && times > 1) return { value: last.value }
  return isNamed && kinds < values.length && runs === kinds
    ? { value: last.value }
    : 'changes without a sign of when'
}

function isMadePerRequest({ header, value, request }: Sighting): boolean {
  if (perRequest.test(header) || signingSchemes.test(value)) return true
  return [...value.matchAll(/(?<!\w)1\d{9}(?:\d{3})?(?!\w)/g)].some(([digits]) => {
    const at = Number(digits) * (digits.length === 10 ? 1_000 : 1)
    return Math.abs(at - request.at) < 600_000
  })
}
