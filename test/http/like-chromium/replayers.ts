import { request as undiciRequest } from 'undici'
import { sessionDispatcher } from '../../../src/clients/dispatcher.ts'
import type { Carrier } from '../../../src/http/carrier.ts'
import { createHttp } from '../../../src/http/client.ts'
import { createFetch } from '../../../src/http/fetch.ts'
import type { HttpOptions } from '../../../src/http/options.ts'
import type { Session } from '../../../src/session/session.ts'
import type { Recorded } from './recorder.ts'
import type { WireCase } from './wire-cases.ts'

/** Makes the same request with a client of ours; `seen` is what the page sent, for bodies that a browser makes. */
export interface Replayer {
  readonly name: string
  /** Whether the request can be said to this client at all. */
  takes(one: WireCase): boolean
  ask(one: WireCase, seen: Recorded): Promise<void>
  close(): Promise<void>
}

export async function replayers(carrier: Carrier, options: HttpOptions): Promise<readonly Replayer[]> {
  const http = createHttp(carrier, options)
  const fetch = createFetch(carrier, options)
  const dispatcher = await sessionDispatcher({ fetch } as unknown as Session)
  return [
    {
      name: 'session.http',
      takes: ({ credentials }) => credentials === 'include',
      async ask(one, seen) {
        const { body, ...rest } = said(one, seen)
        await http(target(one), { ...rest, ...(body !== undefined && { body }), throwHttpErrors: false })
      },
      close: () => http.close(),
    },
    {
      name: 'session.fetch',
      takes: () => true,
      async ask(one, seen) {
        const { body, ...rest } = said(one, seen)
        const { credentials } = one
        const init = { ...rest, ...(body !== undefined && { body: body as BodyInit }), credentials }
        await fetch(target(one), init).then((response) => response.text())
      },
      close: () => fetch.close(),
    },
    {
      // undici has no words for who asks: it takes what a page asks of its own origin, and follows no redirects.
      name: 'the undici dispatcher',
      takes: ({ by, from = '', to, credentials }) =>
        (by === 'fetch' || by === 'xhr') &&
        credentials === 'include' &&
        new URL(from).origin === new URL(to).origin &&
        !to.includes('status='),
      async ask(one, seen) {
        const { method, headers, body } = said(one, seen)
        const init = { method: method as 'GET', headers: { ...headers, Referer: one.from ?? '' }, dispatcher }
        const answer = await undiciRequest(one.to, { ...init, ...(body !== undefined && { body }) })
        await answer.body.dump()
      },
      close: () => Promise.resolve(),
    },
  ]
}

function target({ by, method, to, body = '' }: WireCase): string {
  return by === 'form' && method === 'GET' ? `${to}?${body}` : to
}

interface Said {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: Uint8Array
  readonly as: 'navigation' | 'fetch'
  readonly topLevelSite?: string
}

function said(one: WireCase, seen: Recorded): Said {
  const type = seen.headers.find(([name]) => name.toLowerCase() === 'content-type')
  const has = seen.body !== '' && one.method !== 'GET'
  const typed = Object.keys(one.headers).some((name) => name.toLowerCase() === 'content-type')
  return {
    method: one.method,
    headers: { ...one.headers, ...(has && !typed && type && { 'Content-Type': type[1] }) },
    ...(has && { body: Buffer.from(seen.body, 'latin1') }),
    as: one.by === 'fetch' || one.by === 'xhr' ? 'fetch' : 'navigation',
    ...(one.from !== undefined && { topLevelSite: one.from }),
  }
}
