import type { Request, Response } from 'playwright'
import type { ObservedRequest } from './watch-requests.ts'

/** Of an answer, what a page can have taken a token out of. In memory only: it holds secrets. */
export interface ObservedAnswer {
  /** Those that a site adds of its own. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Of JSON and HTML of a moderate size. */
  readonly text?: string
}

const largestText = 512_000
const largestInAll = 16_000_000
/** Headers of answers that carry no token. */
const common =
  /^(?:accept-|access-control-|age$|allow$|alt-svc$|cache-control$|connection$|content-|cross-origin-|date$|etag$|expires$|keep-alive$|last-modified$|link$|location$|nel$|p3p$|permissions-policy$|pragma$|referrer-policy$|report-to$|reporting-|server$|server-timing$|set-cookie$|strict-transport-security$|transfer-encoding$|vary$|via$|www-authenticate$|x-content-type-options$|x-frame-options$|x-powered-by$|x-xss-protection$)/

/** Reads answers of pages and scripts once they have ended: a body that never ends is not waited for. */
export function openAnswers(): {
  read(request: Request, observed: ObservedRequest): Promise<ObservedAnswer | undefined>
} {
  let left = largestInAll
  return {
    async read(request, { resourceType, status = 0 }) {
      if (status < 200 || status >= 300) return undefined
      const response = await request.response()
      if (response === null) return undefined
      const headers = Object.entries(response.headers()).filter(([name]) => !common.test(name))
      const text = left > 0 && isReadable(resourceType, response) ? await textOf(response) : undefined
      left -= text?.length ?? 0
      if (text === undefined && headers.length === 0) return undefined
      return { headers, ...(text !== undefined && { text }) }
    },
  }
}

function isReadable(resourceType: string, response: Response): boolean {
  const { 'content-type': type = '', 'content-length': length } = response.headers()
  if (length !== undefined && Number(length) > largestText) return false
  return resourceType === 'document' ? /html/i.test(type) : /json/i.test(type)
}

/** A page that has gone on takes the bodies of its answers with it. */
async function textOf(response: Response): Promise<string | undefined> {
  const body = await response.body().catch(() => undefined)
  return body === undefined || body.length > largestText ? undefined : body.toString('utf8')
}
