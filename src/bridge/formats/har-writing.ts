import { Cell } from '../../state/cell.ts'
import type { SessionState, StateCookie } from '../../state/state.ts'
import { bytesOfText } from '../jar/byte-text.ts'
import { ingestLines } from '../jar/set-cookie.ts'
import { type Formatted, jsonText } from './format.ts'
import { headerBytes } from './header-bytes.ts'
import { type Fate, isOwnPartition, isText, judgeCookies, lostFields, withoutStorage } from './losses.ts'

const title = 'HAR'

/**
 * An archive of the answers that would set these cookies: one entry for each run of cookies of one host. A line says
 * what a line can say, so each is read again as a browser would, and what came out otherwise is reported.
 */
export function toHar(state: SessionState): Formatted {
  const now = Math.floor(Date.now() / 1000) * 1000
  const cell = new Cell()
  const { written, report } = judgeCookies(state, title, (cookie) => replay(cell, cookie, now))
  const document = {
    log: {
      version: '1.2',
      creator: { name: 'sessionbridge', version: '1' },
      entries: runsOf(written).map(([url, cookies]) => entryOf(url, cookies, now)),
    },
  }
  return { text: jsonText(document), report: [...report, ...withoutStorage(state, title)] }
}

function replay(cell: Cell, cookie: StateCookie, now: number): Fate {
  if (!isText(cookie.name, cookie.value, cookie.path)) return { unwritten: 'octets that are not UTF-8' }
  if (cookie.partitionKey !== undefined && !isOwnPartition(cookie))
    return { unwritten: 'it belongs to the partition of another site' }
  const line = headerBytes(bytesOfText(setCookieLine(cookie)))
  const [outcome] = ingestLines(cell, new URL(urlOf(cookie)), [line], { by: 'har', now })
  if (outcome === undefined || 'refusal' in outcome)
    return { unwritten: 'no answer of its host could set it' }
  const read = outcome.cookie
  if (identityFields.some((field) => read[field] !== cookie[field]))
    return { unwritten: 'no answer of its host could set it as it is' }
  return {
    lost: [
      ...(read.expires === cookie.expires ? [] : ['expires below one second, or beyond 400 days']),
      ...comparedFields.filter((field) => cookie[field] !== undefined && cookie[field] !== read[field]),
      ...lostFields(cookie, ['sameSite', 'sourceScheme', 'sourcePort', 'priority']),
    ],
  }
}

const identityFields = ['name', 'value', 'domain', 'path', 'partitionKey'] as const
const comparedFields = ['httpOnly', 'secure', 'sameSite', 'sourceScheme', 'sourcePort', 'priority'] as const

/** The root of the host, by the scheme and port that set the cookie as far as the state knows. */
function urlOf({ domain, secure, sourceScheme, sourcePort = -1 }: StateCookie): string {
  const scheme = secure || sourceScheme === 'Secure' ? 'https' : 'http'
  const port = sourcePort > 0 ? `:${String(sourcePort)}` : ''
  return new URL(`${scheme}://${domain.replace(/^\./, '')}${port}/`).href
}

function setCookieLine(cookie: StateCookie): string {
  const { name, value, domain, path, expires, httpOnly, secure, sameSite, partitionKey, priority } = cookie
  return [
    name === '' ? value : `${name}=${value}`,
    ...(domain.startsWith('.') ? [`Domain=${domain.slice(1)}`] : []),
    `Path=${path}`,
    ...(expires === -1 ? [] : [`Expires=${new Date(Math.floor(expires) * 1000).toUTCString()}`]),
    ...(secure ? ['Secure'] : []),
    ...(httpOnly ? ['HttpOnly'] : []),
    ...(sameSite === undefined ? [] : [`SameSite=${sameSite}`]),
    ...(partitionKey === undefined ? [] : ['Partitioned']),
    ...(priority === undefined ? [] : [`Priority=${priority}`]),
  ].join('; ')
}

/** Cookies of one URL that follow each other: the order of creation stays. */
function runsOf(cookies: readonly StateCookie[]): [string, StateCookie[]][] {
  const runs: [string, StateCookie[]][] = []
  for (const cookie of cookies) {
    const url = urlOf(cookie)
    const last = runs.at(-1)
    if (last?.[0] === url) last[1].push(cookie)
    else runs.push([url, [cookie]])
  }
  return runs
}

function entryOf(url: string, cookies: readonly StateCookie[], now: number): object {
  const nothing = { headersSize: -1, bodySize: -1 }
  const message = { httpVersion: 'HTTP/1.1', ...nothing }
  const headers = cookies.map((cookie) => ({
    name: 'Set-Cookie',
    value: bytesOfText(setCookieLine(cookie)),
  }))
  const content = { size: 0, mimeType: 'text/plain' }
  return {
    startedDateTime: new Date(now).toISOString(),
    time: 0,
    request: { method: 'GET', url, ...message, cookies: [], headers: [], queryString: [] },
    response: {
      status: 200,
      statusText: 'OK',
      ...message,
      cookies: cookies.map(listed),
      headers,
      content,
      redirectURL: '',
    },
    cache: {},
    timings: { send: 0, wait: 0, receive: 0 },
  }
}

function listed({ name, value, domain, path, expires, httpOnly, secure, sameSite }: StateCookie): object {
  return {
    name,
    value,
    path,
    domain,
    ...(expires !== -1 && { expires: new Date(Math.floor(expires) * 1000).toISOString() }),
    httpOnly,
    secure,
    ...(sameSite !== undefined && { sameSite }),
  }
}
