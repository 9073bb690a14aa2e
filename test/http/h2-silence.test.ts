import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createFetch } from '../../src/http/fetch.ts'
import { type Authority, createAuthority } from '../site/certificates.ts'
import { lookup } from '../site/dns.ts'
import { carrierOf, failureOf } from './clients.ts'
import { type FrameServer, frameTypes, type Peer, startFrameServer } from './frame-server.ts'

/** Connections whose other end has gone without a word while they were in use. */
let authority: Authority
let server: FrameServer
let fetch: ReturnType<typeof createFetch>
/** Seconds by which the steady clock goes ahead. */
let ahead = 0

beforeAll(async () => {
  authority = await createAuthority()
  const uptime = process.uptime.bind(process)
  vi.spyOn(process, 'uptime').mockImplementation(() => uptime() + ahead)
})
afterAll(() => vi.restoreAllMocks())
beforeEach(async () => {
  ahead = 0
  server = await startFrameServer(authority)
  fetch = createFetch(carrierOf({}), { lookup, ca: authority.ca })
})
afterEach(async () => {
  vi.useRealTimers()
  await fetch.close()
  await server.close()
})

const url = (path = '/'): string => `https://frames.test:${String(server.port)}${path}`

function onRequest(answer: (peer: Peer, stream: number, number: number) => void): void {
  let number = 0
  server.on = (peer, { type, stream }) => {
    if (type === frameTypes.headers) answer(peer, stream, ++number)
  }
}

function answerAll(peer: Peer, stream: number): void {
  peer.head(stream)
  peer.data(stream, 'whole')
}

/** The first connection is asked for a sign of life, gives none, and its time is over. */
async function goneForGood(): Promise<void> {
  const [peer] = server.peers
  while (peer?.of(frameTypes.ping).length === 0) await once(peer.socket, 'data')
  vi.advanceTimersByTime(10_000)
}

test('a request that was called off is no sign of life: the next one finds out', async () => {
  const called = new AbortController()
  onRequest((peer, stream, number) => {
    if (number === 1 || peer !== server.peers[0]) answerAll(peer, stream)
    else if (number === 2) {
      ahead = 11
      called.abort(new Error('enough'))
    }
  })
  await (await fetch(url())).text()
  expect(await failureOf(fetch(url(), { signal: called.signal }))).toMatchObject({ message: 'enough' })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const answer = fetch(url())
  await goneForGood()
  expect(await (await answer).text()).toBe('whole')
  expect(server.peers).toHaveLength(2)
})

test('nor is one that still waits: whoever comes after it asks', async () => {
  onRequest((peer, stream, number) => {
    if (number !== 1 && peer !== server.peers[0]) answerAll(peer, stream)
    if (number === 1) ahead = 11
  })
  const poll = failureOf(fetch(url('/poll'), { method: 'POST' }))
  await expect.poll(() => ahead).toBe(11)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const answer = fetch(url())
  await goneForGood()
  expect(await (await answer).text()).toBe('whole')
  expect(await poll).toMatchObject({ reason: 'ECONNRESET' })
})
