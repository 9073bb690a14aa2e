import { isStandardHeader } from './standard-headers.ts'
import { textsInJson } from './state-values.ts'
import { isProof } from './unportable.ts'
import type { ObservedRequest } from './watch-requests.ts'

/** One time that a page sent a header, or a field of a body, of its own. */
export interface Sighting {
  /** As in `HeaderRule`. */
  readonly in: 'body' | undefined
  readonly header: string
  readonly value: string
  readonly origin: string
  readonly request: ObservedRequest
}

/** What pages sent of their own, hops that a redirect from another origin led to left out. */
export function sightingsOf(requests: readonly ObservedRequest[]): Sighting[] {
  return requests
    .filter((request) => !request.crossedOrigins && URL.canParse(request.url))
    .flatMap((request) => {
      const { origin } = new URL(request.url)
      const headers = request.headers
        .filter(([name, value]) => !isStandardHeader(name) && !isProof(name, value))
        .map(([header, value]): Sighting => ({ in: undefined, header, value, origin, request }))
      const fields = tokenFields(request).map(([header, value]): Sighting => ({
        in: 'body',
        header,
        value,
        origin,
        request,
      }))
      return [...headers, ...fields]
    })
}

/** Origin of the page that sent it. Of a form that is posted into a frame, the frame's old page says nothing. */
export function senderOf({ resourceType, headers, pageOrigin }: ObservedRequest): string | undefined {
  if (resourceType !== 'document') return pageOrigin
  const origin = headers.find(([name]) => name.toLowerCase() === 'origin')?.[1]
  return origin === undefined || origin === 'null' ? pageOrigin : origin
}

export function sightingKey({ in: place, header, origin }: Sighting): string {
  return `${place ?? ''} ${place === 'body' ? header : header.toLowerCase()} ${origin}`
}

/** Fields that are there so that nobody else's page can send the form; what a person fills in is none of ours. */
const tokenName =
  /csrf|xsrf|authenticity|antiforgery|requestverification|nonce|sesskey|form_?key|(?:^|[_-])token$|(?:csrf|form|request|session)token$/i
const passwordName = /pass(?:word|wd|phrase)|pwd/i

/** Of forms and JSON; a body with a password is a login form, and what it teaches is over with the login. */
function tokenFields(request: ObservedRequest): [name: string, value: string][] {
  const fields = bodyFields(request)
  if (fields.some(([name]) => passwordName.test(name))) return []
  return fields.filter(([name]) => tokenName.test(name))
}

const longestBody = 200_000

/** The fields of a urlencoded or multipart form, and the texts at the top of a JSON object. */
export function bodyFields({ headers, body }: Pick<ObservedRequest, 'headers' | 'body'>): [string, string][] {
  if (body === undefined || body.length > longestBody) return []
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  if (/^application\/x-www-form-urlencoded/i.test(type)) return [...new URLSearchParams(body)]
  if (/^application\/(?:[\w.+-]+\+)?json/i.test(type))
    return textsInJson(body).flatMap(({ path: [name = '', ...rest], value }): [string, string][] =>
      rest.length === 0 ? [[name, value]] : [],
    )
  const boundary = /^multipart\/form-data;.*\bboundary="?([^";]+)/i.exec(type)?.[1]
  return boundary === undefined ? [] : multipartFields(body, boundary)
}

/** Short texts only: no files. */
function multipartFields(body: string, boundary: string): [string, string][] {
  return body.split(`--${boundary}`).flatMap((part): [string, string][] => {
    const match = /^\r\ncontent-disposition: form-data; name="([^"]*)"\r\n\r\n([^\r\n]*)\r\n$/i.exec(part)
    return match === null ? [] : [[match[1] ?? '', match[2] ?? '']]
  })
}
