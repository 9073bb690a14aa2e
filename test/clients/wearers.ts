import { once } from 'node:events'
import { request as playwrightRequest } from 'playwright'
import { fetch as undiciFetch, request as undiciRequest } from 'undici'
import {
  crawleeClient,
  impitFetch,
  sessionDispatcher,
  wearRequests,
  type ImpitClass,
  type Session,
} from '../../src/index.ts'

/** Every way in which something else than the session's own clients can wear it. */
export const wearers = [
  'session.fetch',
  'undici request',
  'undici fetch',
  "Node's fetch",
  'impit',
  'crawlee',
  'crawlee stream',
  'playwright',
] as const

export type WearerName = (typeof wearers)[number]

export interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

export interface Wearer {
  ask(url: string, asked?: Asked): Promise<{ readonly status: number; readonly text: string }>
  close(): Promise<void>
}

/** These make their own connections: only addresses that the system's resolver knows are within their reach. */
export const ownConnections: readonly WearerName[] = ['impit', 'playwright']

const nothing = (): Promise<void> => Promise.resolve()

export async function wear(name: WearerName, session: Session): Promise<Wearer> {
  switch (name) {
    case 'session.fetch':
      return byFetch((url, asked) => session.fetch(url, asked))
    case 'undici request': {
      const dispatcher = await sessionDispatcher(session)
      return {
        async ask(url, { method = 'GET', ...rest } = {}) {
          const { statusCode, body } = await undiciRequest(url, {
            dispatcher,
            method: method as 'GET',
            ...rest,
          })
          return { status: statusCode, text: await body.text() }
        },
        close: () => dispatcher.close(),
      }
    }
    case 'undici fetch': {
      const dispatcher = await sessionDispatcher(session)
      return byFetch((url, asked) => undiciFetch(url, { dispatcher, ...asked }))
    }
    case "Node's fetch": {
      const dispatcher = await sessionDispatcher(session)
      return byFetch((url, asked) => fetch(url, { dispatcher, ...asked } as RequestInit))
    }
    case 'impit': {
      const { Impit } = await impit()
      const fetchByImpit = impitFetch(session, Impit, {})
      return byFetch((url, asked) => fetchByImpit(url, asked))
    }
    case 'crawlee':
    case 'crawlee stream':
      return byCrawlee(name, session)
    case 'playwright': {
      const context = await playwrightRequest.newContext()
      const worn = wearRequests(session, context)
      return {
        async ask(url, { body, ...rest } = {}) {
          const answer = await worn.fetch(url, { ...rest, ...(body !== undefined && { data: body }) })
          return { status: answer.status(), text: await answer.text() }
        },
        close: () => context.dispose(),
      }
    }
  }
}

type Answer = { readonly status: number; text(): Promise<string> }

function byFetch(ask: (url: string, asked: Asked) => Promise<Answer>): Wearer {
  return {
    async ask(url, asked = {}) {
      const answer = await ask(url, asked)
      return { status: answer.status, text: await answer.text() }
    },
    close: nothing,
  }
}

function byCrawlee(name: WearerName, session: Session): Wearer {
  const client = crawleeClient(session)
  return {
    async ask(url, asked = {}) {
      if (name === 'crawlee') {
        const { statusCode, body } = await client.sendRequest({ url, ...asked })
        return { status: statusCode, text: body }
      }
      const { statusCode, stream } = await client.stream({ url, ...asked })
      // By events, as Crawlee's own readers do.
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      await once(stream, 'end')
      return { status: statusCode, text: Buffer.concat(chunks).toString() }
    },
    close: nothing,
  }
}

/**
 * impit itself where `SESSIONBRIDGE_IMPIT` names its module (its platform binaries are not for every lockfile); else a class
 * that keeps to impit's contract over undici: it decodes bodies, and says afterwards how they were coded.
 */
async function impit(): Promise<{ Impit: ImpitClass<object> }> {
  const path = process.env['SESSIONBRIDGE_IMPIT']
  if (path !== undefined) return (await import(path)) as { Impit: ImpitClass<object> }
  class LikeImpit {
    readonly #settings: { readonly followRedirects: boolean }
    constructor(settings: { readonly followRedirects: boolean }) {
      this.#settings = settings
    }
    async fetch(url: string, init: object) {
      const redirect = this.#settings.followRedirects ? 'follow' : 'manual'
      const answer = await fetch(url, { ...init, redirect })
      const { status, statusText, headers } = answer
      return { status, statusText, headers, url: answer.url, body: answer.body ?? new Blob([]).stream() }
    }
  }
  return { Impit: LikeImpit as unknown as ImpitClass<object> }
}
