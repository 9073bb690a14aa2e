import type { Http2ServerResponse } from 'node:http2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../site/free-port.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { createFetch, type SessionFetch } from '../../src/http/fetch.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import { createGotTransport } from '../../src/http/wire/got-transport.ts'
import { createNodeTransport, NodeWire } from '../../src/http/wire/node-wire.ts'
import { createUndiciTransport } from '../../src/http/wire/undici-transport.ts'
import { carrierOf, failureOf } from './clients.ts'

/** Bodies that are streams of the caller: whoever makes one hears of it when nobody reads it any more. */
let shops: Readonly<Record<'http/1.1' | 'HTTP/2', Shop>>

beforeAll(async () => {
  shops = { 'http/1.1': await startShop(), 'HTTP/2': await startShop({ http2: true }) }
  for (const shop of Object.values(shops)) {
    shop.on('up.test', '/hang', (req) => {
      req.once('data', () => began?.())
    })
    shop.on('up.test', '/cut', (req, res) => {
      counts.cuts += 1
      req.once('data', () => {
        if (req.httpVersion === '2.0') (res as unknown as Http2ServerResponse).stream.session?.destroy()
        else req.destroy()
      })
    })
    shop.on('up.test', '/enough', (req, res) => {
      req.once('data', () => {
        res.writeHead(413).end('enough', () => {
          if (req.httpVersion === '2.0') (res as unknown as Http2ServerResponse).stream.close(0)
          else req.destroy()
        })
      })
    })
  }
})
afterAll(() => Promise.all(Object.values(shops).map((shop) => shop.close())))

const counts = { cuts: 0 }
let began: (() => void) | undefined

const kinds = ['node', 'got', 'undici', 'http/2'] as const

async function open(kind: (typeof kinds)[number], options: HttpOptions): Promise<SessionFetch> {
  switch (kind) {
    case 'node':
      return createFetch(carrierOf({}), options, createNodeTransport(new NodeWire(options)))
    case 'got':
      return createFetch(carrierOf({}), options, await createGotTransport(new NodeWire(options)))
    case 'undici':
      return createFetch(carrierOf({}), options, createUndiciTransport(options))
    case 'http/2':
      return createFetch(carrierOf({}), options)
  }
}

/** Gives as long as it is asked. */
function endless(): { readonly body: ReadableStream<Uint8Array>; readonly cancelled: Promise<void> } {
  let over: () => void = () => undefined
  const cancelled = new Promise<void>((resolve) => (over = resolve))
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(16_384))
    },
    cancel() {
      over()
    },
  })
  return { body, cancelled }
}

describe.each(kinds)('over %s', (kind) => {
  const shop = (): Shop => shops[kind === 'http/2' ? 'HTTP/2' : 'http/1.1']
  const send = async (url: string, signal?: AbortSignal, method = 'POST'): Promise<Error> => {
    const fetch = await open(kind, { lookup: shop().lookup, ca: shop().ca })
    const { body, cancelled } = endless()
    const init = { method, body, duplex: 'half', ...(signal && { signal }) } as RequestInit
    const error = await failureOf(
      fetch(url, init).then(({ status }) => Promise.reject(new Error(String(status)))),
    )
    await cancelled
    await fetch.close()
    return error
  }

  test('an upload that is called off', async () => {
    const abort = new AbortController()
    began = () => {
      abort.abort()
    }
    const error = await send(shop().url('up.test', '/hang'), abort.signal)
    expect(error.name).toBe('AbortError')
  })

  test('one that never gets a connection', async () => {
    const error = await send(`https://up.test:${String(await freePort())}/`)
    expect(error).toMatchObject({ reason: 'ECONNREFUSED' })
  })

  test('one that the server has had enough of', async () => {
    // Its 413, or that it hangs up: what comes first over TCP.
    expect(await send(shop().url('up.test', '/enough'))).toBeInstanceOf(Error)
  })

  test('one that was cut off, whose method alone would let it be sent again', async () => {
    const { cuts } = counts
    const error = await send(shop().url('up.test', '/cut'), undefined, 'OPTIONS')
    expect(error).toMatchObject({ code: 'request-failed' })
    expect(counts.cuts).toBe(cuts + 1)
  })
})
