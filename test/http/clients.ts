import { createHttp } from '../../src/http/client.ts'
import type { Carrier, DeadAnswer } from '../../src/http/carrier.ts'
import { createFetch } from '../../src/http/fetch.ts'
import { createGotTransport } from '../../src/http/wire/got-transport.ts'
import { createNodeTransport, NodeWire } from '../../src/http/wire/node-wire.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import { createUndiciTransport } from '../../src/http/wire/undici-transport.ts'
import { Cell } from '../../src/state/cell.ts'
import type { OriginState, StateCookie } from '../../src/state/state.ts'

/** A session's clients as they are, and each of them on the transport that it starts on or goes over to. */
export const clientNames = ['http', 'http over got', 'fetch', 'fetch over undici', 'fetch over node'] as const

export type ClientName = (typeof clientNames)[number]

/** The clients of a session behind one call, so that one table of cases runs against each. */
export interface Client {
  readonly name: ClientName
  ask(url: string, request?: Asked): Promise<Answered>
  /** Open connections that nobody uses; `undefined` where nobody knows. */
  free(): number | undefined
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

export async function clientOf(name: ClientName, carrier: Carrier, options: HttpOptions): Promise<Client> {
  switch (name) {
    case 'http':
      return httpClient(name, createHttp(carrier, options))
    case 'http over got':
      return httpClient(name, createHttp(carrier, options, await createGotTransport(new NodeWire(options))))
    case 'fetch':
      return fetchClient(name, createFetch(carrier, options))
    case 'fetch over undici':
      return fetchClient(name, createFetch(carrier, options, createUndiciTransport(options)))
    case 'fetch over node':
      return fetchClient(name, createFetch(carrier, options, createNodeTransport(new NodeWire(options))))
  }
}

function httpClient(name: ClientName, http: ReturnType<typeof createHttp>): Client {
  return {
    name,
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
    free: () => http.connections()?.free,
    close: () => http.close(),
  }
}

function fetchClient(name: ClientName, fetch: ReturnType<typeof createFetch>): Client {
  return {
    name,
    async ask(url, request = {}) {
      const response = await fetch(url, request)
      const { status, headers } = response
      return { status, url: response.url, headers, text: await response.text() }
    },
    free: () => fetch.connections()?.free,
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

type CarrierParts = Partial<Omit<Carrier, 'name' | 'cell'>> & {
  readonly cookies?: readonly StateCookie[]
  readonly origins?: readonly OriginState[]
}

export function carrierOf({ cookies = [], origins = [], ...rest }: CarrierParts): Carrier {
  const cell = new Cell({ cookies, origins })
  return { name: 'shop/alice', cell, headerRules: [], identity: undefined, ...rest }
}

/**
 * A carrier whose session `sid=dead` is renewed to `sid=renewed`, for sites that take only that one; `liveness`: what its
 * probe says of the first. `facts`: what it was asked.
 */
export function dyingCarrier(
  parts: CarrierParts = {},
  liveness: 'dead' | 'alive' | 'unclear' = 'dead',
): { readonly carrier: Carrier; readonly facts: DeadAnswer[] } {
  const facts: DeadAnswer[] = []
  const carrier = carrierOf({
    cookies: [cookie({ name: 'sid', value: 'dead' })],
    revive: (fact) => {
      facts.push(fact)
      const { cell } = carrier
      if (fact.epoch < cell.epoch) return Promise.resolve('renewed')
      if (liveness !== 'dead' || !fact.renew) return Promise.resolve(liveness)
      const state = { cookies: [cookie({ name: 'sid', value: 'renewed' })], origins: [] }
      cell.replace(state, cell.epoch + 1, 'renewal')
      return Promise.resolve('renewed')
    },
    ...parts,
  })
  return { carrier, facts }
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
