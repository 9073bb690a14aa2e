import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RequestFailedError } from '../../src/errors.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { carrierOf, clientNames, clientOf, failureOf, type Client } from './clients.ts'

/** Bodies that are made to take the memory of whoever reads them. */
let shop: Shop
let ended: Promise<unknown>

const zeros = Buffer.alloc(1_000_000)

/** A thousandth of it goes over the wire; without end. */
function bomb(res: ServerResponse): void {
  const endless = new Readable({
    read() {
      this.push(zeros)
    },
  })
  pipeline(endless, createGzip(), res, () => undefined)
}

beforeAll(async () => {
  shop = await startShop()
  shop.on('bodies.test', '/bomb', (_req, res) => {
    ended = once(res, 'close')
    res.writeHead(200, { 'content-encoding': 'gzip' })
    bomb(res)
  })
  shop.on('bodies.test', '/layers', (req, res) => {
    ended = once(res, 'close')
    res.writeHead(200, { 'content-encoding': Array<string>(2_000).fill('br').join() }).write('x')
    if (req.url === '/layers?whole') res.end()
  })
})
afterAll(() => shop.close())

describe.each(clientNames)('%s', (name) => {
  let client: Client
  beforeEach(async () => {
    client = await clientOf(name, carrierOf({}), {
      ...{ lookup: shop.lookup, ca: shop.ca, maxResponseBytes: 200_000 },
    })
    return () => client.close()
  })

  // session.http reads the body before it looks at it; one without end is for its time limit.
  const paths = ['/bomb', '/layers?whole', ...(name.startsWith('fetch') ? ['/layers'] : [])]

  test.each(paths)('lets go of %s', async (path) => {
    const failed = await failureOf(client.ask(shop.url('bodies.test', path)))
    expect(failed).toBeInstanceOf(RequestFailedError)
    expect(failed).toMatchObject({ reason: path === '/bomb' ? 'too-big' : 'too-many-codings' })
    await ended
  })
})
