import { once } from 'node:events'
import { request as playwrightRequest } from 'playwright'
import { fetch as undiciFetch, request as undiciRequest } from 'undici'
import { crawleeClient, impitFetch, sessionDispatcher, wearRequests, type Session } from '../../src/index.ts'
import { loadAxios, loadImpit } from '../site/foreign-clients.ts'

/** Every way to wear a session: its own clients, and what makes others wear it, each with the real package. */
export const wearers = [
  'session.fetch',
  'session.http',
  'undici request',
  'undici fetch',
  "Node's fetch",
  'impit',
  'impit, an instance',
  'axios',
  'crawlee',
  'crawlee stream',
  'playwright',
] as const

export type WearerName = (typeof wearers)[number]

export interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly signal?: AbortSignal
}

export interface Wearer {
  ask(url: string, asked?: Asked): Promise<{ readonly status: number; readonly text: string }>
  /** What has come of a body whose rest is still to come; absent where bodies are read whole. */
  firstPart?(url: string): Promise<string>
  close(): Promise<void>
}

/** These read bodies whole. */
export const readWhole: readonly WearerName[] = ['session.http', 'crawlee', 'axios', 'playwright']
/** These make their own connections: only addresses that the system's resolver knows are within their reach. */
export const ownConnections: readonly WearerName[] = ['impit', 'impit, an instance', 'playwright']
/** These follow redirects by the fetch specification of their own: what the caller wrote is theirs to drop. */
export const followByThemselves: readonly WearerName[] = ['undici fetch', "Node's fetch"]

const nothing = (): Promise<void> => Promise.resolve()

export async function wear(name: WearerName, session: Session): Promise<Wearer> {
  switch (name) {
    case 'session.fetch':
      return byFetch((url, asked) => session.fetch(url, asked))
    case 'session.http':
      return {
        async ask(url, asked = {}) {
          const { statusCode, body } = await session.http(url, { ...asked, throwHttpErrors: false })
          return { status: statusCode, text: body.toString() }
        },
        close: nothing,
      }
    case 'undici request':
      return byUndiciRequest(session)
    case 'undici fetch': {
      const dispatcher = await sessionDispatcher(session)
      return byFetch((url, asked) => undiciFetch(url, { dispatcher, ...asked }))
    }
    case "Node's fetch": {
      const dispatcher = await sessionDispatcher(session)
      return byFetch((url, asked) => fetch(url, { dispatcher, ...asked } as RequestInit))
    }
    case 'impit': {
      const { Impit } = await loadImpit()
      const fetchByImpit = impitFetch(session, Impit, {})
      return byFetch((url, asked) => fetchByImpit(url, asked))
    }
    case 'impit, an instance': {
      const { Impit } = await loadImpit()
      const fetchByImpit = impitFetch(session, new Impit({} as never))
      return byFetch((url, asked) => fetchByImpit(url, asked))
    }
    case 'axios':
      return byAxios(session)
    case 'crawlee':
    case 'crawlee stream':
      return byCrawlee(name, session)
    case 'playwright':
      return byPlaywright(session)
  }
}

type Answer = {
  readonly status: number
  readonly body: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | null
  text(): Promise<string>
}

async function firstOf(body: Answer['body']): Promise<string> {
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) return Buffer.from(chunk).toString()
  return ''
}

function byFetch(ask: (url: string, asked: Asked) => Promise<Answer>): Wearer {
  return {
    async ask(url, asked = {}) {
      const answer = await ask(url, asked)
      return { status: answer.status, text: await answer.text() }
    },
    firstPart: async (url) => firstOf((await ask(url, {})).body),
    close: nothing,
  }
}

async function byUndiciRequest(session: Session): Promise<Wearer> {
  const dispatcher = await sessionDispatcher(session)
  return {
    async ask(url, { method = 'GET', ...rest } = {}) {
      const { statusCode, body } = await undiciRequest(url, { dispatcher, method: method as 'GET', ...rest })
      return { status: statusCode, text: await body.text() }
    },
    firstPart: async (url) => firstOf((await undiciRequest(url, { dispatcher })).body),
    close: () => dispatcher.close(),
  }
}

async function byAxios(session: Session): Promise<Wearer> {
  const axios = (await loadAxios()).create({
    adapter: 'fetch',
    env: { fetch: session.fetch },
    headers: { 'User-Agent': false },
  })
  return {
    async ask(url, { body, ...rest } = {}) {
      const { status, data } = await axios(url, {
        ...rest,
        ...(body !== undefined && { data: body }),
        responseType: 'text',
        transformResponse: (text: unknown) => text,
        validateStatus: () => true,
      })
      return { status, text: data as string }
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
    ...(name === 'crawlee stream' && {
      firstPart: async (url: string) => firstOf((await client.stream({ url })).stream),
    }),
    close: nothing,
  }
}

async function byPlaywright(session: Session): Promise<Wearer> {
  const context = await playwrightRequest.newContext()
  const worn = wearRequests(session, context)
  return {
    async ask(url, { body, signal, ...rest } = {}) {
      signal?.throwIfAborted() // it knows none; what runs is ended with its context
      signal?.addEventListener('abort', () => void context.dispose())
      const answer = await worn.fetch(url, { ...rest, ...(body !== undefined && { data: body }) })
      return { status: answer.status(), text: await answer.text() }
    },
    close: () => context.dispose(),
  }
}
