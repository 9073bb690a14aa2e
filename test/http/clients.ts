import { createHttp } from '../../src/http/client.ts'
import type { Carrier } from '../../src/http/carrier.ts'
import { createFetch } from '../../src/http/fetch.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import { Cell } from '../../src/state/cell.ts'
import type { HeaderRule, Identity } from '../../src/state/identity.ts'
import type { OriginState, StateCookie } from '../../src/state/state.ts'

/** Both clients of a session behind one call, so that one table of cases runs against each. */
export interface Client {
  readonly name: 'http' | 'fetch'
  ask(url: string, request?: Asked): Promise<Answered>
  close(): Promise<void>
}

export interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly redirect?: 'follow' | 'manual'
  readonly signal?: AbortSignal
}

export interface Answered {
  readonly status: number
  readonly url: string
  readonly headers: Headers
  readonly text: string
}

export function clientsOf(carrier: Carrier, options: HttpOptions): Client[] {
  return [httpClient(carrier, options), fetchClient(carrier, options)]
}

function httpClient(carrier: Carrier, options: HttpOptions): Client {
  const http = createHttp(carrier, options)
  return {
    name: 'http',
    async ask(url, { redirect, ...request } = {}) {
      const response = await http(url, {
        ...request,
        followRedirect: redirect !== 'manual',
        throwHttpErrors: false,
      })
      const headers = new Headers()
      for (const [name, value] of Object.entries(response.headers))
        for (const one of typeof value === 'string' ? [value] : (value ?? [])) headers.append(name, one)
      return { status: response.statusCode, url: response.url, headers, text: response.text() }
    },
    close: () => http.close(),
  }
}

function fetchClient(carrier: Carrier, options: HttpOptions): Client {
  const fetch = createFetch(carrier, options)
  return {
    name: 'fetch',
    async ask(url, request = {}) {
      const response = await fetch(url, request)
      const { status, headers } = response
      return { status, url: response.url, headers, text: await response.text() }
    },
    close: () => fetch.close(),
  }
}

/** The typed error, which fetch has to wrap into a TypeError. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error('It did not fail')
  return error instanceof TypeError && error.cause instanceof Error ? error.cause : error
}

export function carrierOf(parts: {
  readonly cookies?: readonly StateCookie[]
  readonly origins?: readonly OriginState[]
  readonly headerRules?: readonly HeaderRule[]
  readonly identity?: Identity
  readonly revive?: NonNullable<Carrier['revive']>
}): Carrier {
  const { cookies = [], origins = [], headerRules = [], identity, revive } = parts
  const cell = new Cell({ cookies, origins })
  return { name: 'shop/alice', cell, identity, headerRules, ...(revive !== undefined && { revive }) }
}

export function cookie(part: Partial<StateCookie> & Pick<StateCookie, 'name' | 'value'>): StateCookie {
  return {
    domain: 'shop.test',
    path: '/',
    expires: -1,
    httpOnly: true,
    secure: true,
    sameSite: 'Lax',
    ...part,
  }
}
