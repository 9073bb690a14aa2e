import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { RequestFailedError } from '../../src/errors.ts'
import { createFetch } from '../../src/http/fetch.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import { Traffic } from '../../src/http/trouble/traffic.ts'
import { type Authority, createAuthority } from '../site/certificates.ts'
import { launchChromium } from '../site/chromium.ts'
import { lookup, resolverRules } from '../site/dns.ts'
import { carrierOf, failureOf } from './clients.ts'
import { type FrameServer, frameTypes, type Peer, startFrameServer } from './frame-server.ts'

/** What goes over an HTTP/2 connection below its headers, and what servers may do to one. */
let authority: Authority
let server: FrameServer
let fetch: ReturnType<typeof createFetch>

beforeAll(async () => {
  authority = await createAuthority()
  server = await startFrameServer(authority)
})
afterAll(() => server.close())

const open = (options: HttpOptions = {}, traffic?: Traffic): ReturnType<typeof createFetch> =>
  createFetch(carrierOf({ ...(traffic && { traffic }) }), { lookup, ca: authority.ca, ...options })

const url = (path = '/'): string => `https://frames.test:${String(server.port)}${path}`

let before = 0
/** Connections of the test that runs. */
const peers = (): readonly Peer[] => server.peers.slice(before)

beforeEach(() => {
  before = server.peers.length
  fetch = open()
})
afterEach(() => fetch.close())

/** `answer` gets each request with its number, counted over all connections. */
function onRequest(answer: (peer: Peer, stream: number, number: number) => void): () => number {
  let number = 0
  server.on = (peer, { type, stream }) => {
    if (type === frameTypes.headers) answer(peer, stream, ++number)
  }
  return () => number
}

function answerAll(peer: Peer, stream: number): void {
  peer.head(stream)
  peer.data(stream, 'whole')
}

const post = { method: 'POST', body: 'once' }

test('a connection begins as Chromium begins one: settings, window, urgency', async () => {
  onRequest(answerAll)
  const firstFrames = (peer: Peer | undefined): unknown[] =>
    (peer?.frames ?? [])
      .filter(({ type, flags }) => type !== frameTypes.settings || flags === 0)
      .slice(0, 3)
      .map(({ type, flags, stream, payload }) =>
        type === frameTypes.headers
          ? { type, flags, stream, urgency: payload.subarray(0, 5).toString('hex') }
          : { type, flags, stream, payload: settingsOf(payload) },
      )
  const shop = {
    browserArgs: [
      `--host-resolver-rules=${resolverRules()}`,
      `--ignore-certificate-errors-spki-list=${authority.spki}`,
    ],
  }
  const browser = await launchChromium(shop as never)
  try {
    const page = await browser.newPage()
    await page.goto(url())
    await page.evaluate(() => globalThis.fetch('/script'))
  } finally {
    await browser.close()
  }
  const theirs = peers().find((peer) => peer.of(frameTypes.headers).length > 1)
  const { createHttp } = await import('../../src/http/client.ts')
  const http = createHttp(carrierOf({}), { lookup, ca: authority.ca })
  await http(url())
  await http(url('/script'))
    .json()
    .catch(() => undefined)
  await http.close()
  const ours = server.peers.at(-1)
  expect(firstFrames(theirs)).toHaveLength(3)
  expect(firstFrames(ours)).toEqual(firstFrames(theirs))
  const urgencies = (peer?: Peer): Buffer[] =>
    peer?.of(frameTypes.headers).map(({ payload }) => payload.subarray(0, 5)) ?? []
  expect(urgencies(theirs)).toContainEqual(urgencies(ours).at(-1)) // among them is what the page asks by itself
}, 60_000)

/** Order of settings means nothing, and Node's is its own. */
function settingsOf(payload: Buffer): string[] {
  return (payload.toString('hex').match(/.{1,12}/g) ?? []).sort()
}

describe('a stream that the server has not looked at', () => {
  test('is refused, and goes out again, a POST too', async () => {
    const requests = onRequest((peer, stream, number) => {
      if (number === 1) peer.reset(stream, 7)
      else answerAll(peer, stream)
    })
    expect(await (await fetch(url(), post)).text()).toBe('whole')
    expect(requests()).toBe(2)
    expect(peers()).toHaveLength(1)
  })

  test('is refused every time, and ends as a typed error after three', async () => {
    const requests = onRequest((peer, stream) => {
      peer.reset(stream, 7)
    })
    const error = await failureOf(fetch(url(), post))
    expect(error).toMatchObject({ reason: 'HTTP2_REFUSED_STREAM', tier: 'recoverable' })
    expect(requests()).toBeLessThanOrEqual(3)
  })

  test.each([
    ['in good order', 0],
    ['in anger', 11],
  ])(
    'is above the last that a server names which leaves %s, and goes out on a new connection',
    async (_how, code) => {
      const requests = onRequest((peer, stream, number) => {
        if (number === 1) peer.goaway(0, code)
        else answerAll(peer, stream)
      })
      expect(await (await fetch(url(), post)).text()).toBe('whole')
      expect(requests()).toBe(2)
      expect(peers()).toHaveLength(2)
    },
  )

  test('cannot be sent again when its body is a stream', async () => {
    const requests = onRequest((peer, stream) => {
      peer.reset(stream, 7)
    })
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('part'))
        controller.close()
      },
    })
    const error = await failureOf(fetch(url(), { method: 'POST', body, duplex: 'half' } as RequestInit))
    expect(error).toMatchObject({ reason: 'HTTP2_REFUSED_STREAM' })
    expect(requests()).toBe(1)
  })
})

describe('a stream that the server may have looked at', () => {
  test.each([
    [
      'reset',
      (peer: Peer, stream: number) => {
        peer.reset(stream, 2)
      },
      'HTTP2_INTERNAL_ERROR',
      'recoverable',
    ],
    [
      'called a mistake',
      (peer: Peer, stream: number) => {
        peer.reset(stream, 1)
      },
      'HTTP2_PROTOCOL_ERROR',
      'final',
    ],
    [
      'told to be calm',
      (peer: Peer, stream: number) => {
        peer.goaway(stream, 11)
      },
      'HTTP2_ENHANCE_YOUR_CALM',
      'recoverable',
    ],
    ['cut off', (peer: Peer) => peer.socket.destroy(), 'ECONNRESET', 'recoverable'],
  ])('is %s: a POST is a typed error and is not sent again', async (_what, act, reason, tier) => {
    const requests = onRequest((peer, stream) => {
      act(peer, stream)
    })
    const error = await failureOf(fetch(url('/?token=canary'), post))
    expect(error).toBeInstanceOf(RequestFailedError)
    expect(error).toMatchObject({ reason, tier })
    expect(error.message).not.toContain('canary')
    expect(requests()).toBe(1)
  })

  test('is reset: a GET is sent again by the session’s own rules', async () => {
    const requests = onRequest((peer, stream, number) => {
      if (number === 1) peer.reset(stream, 2)
      else answerAll(peer, stream)
    })
    const patient = open({}, new Traffic({ retry: { backOff: 1 } }))
    expect(await (await patient(url())).text()).toBe('whole')
    expect(requests()).toBe(2)
    await patient.close()
  })

  test('is cut off: a GET is sent again at once, as on an idle connection that was given up', async () => {
    const requests = onRequest((peer, stream, number) => {
      if (number === 1) peer.socket.destroy()
      else answerAll(peer, stream)
    })
    expect(await (await fetch(url())).text()).toBe('whole')
    expect(requests()).toBe(2)
  })
})

describe('an answer that has begun', () => {
  const endings: [what: string, length: number | undefined, end: (peer: Peer) => void, reason: string][] = [
    [
      'is reset',
      100,
      (peer) => {
        peer.reset(1, 2)
      },
      'HTTP2_INTERNAL_ERROR',
    ],
    [
      'is reset',
      undefined,
      (peer) => {
        peer.reset(1, 2)
      },
      'HTTP2_INTERNAL_ERROR',
    ],
    [
      'is called off',
      100,
      (peer) => {
        peer.reset(1, 8)
      },
      'HTTP2_CANCEL',
    ],
    [
      'is called off',
      undefined,
      (peer) => {
        peer.reset(1, 8)
      },
      'HTTP2_CANCEL',
    ],
    ['loses its connection', 100, (peer) => peer.socket.destroy(), 'ECONNRESET'],
    ['loses its connection', undefined, (peer) => peer.socket.destroy(), 'ECONNRESET'],
    [
      'is left in anger',
      undefined,
      (peer) => {
        peer.goaway(1, 2)
      },
      'HTTP2_INTERNAL_ERROR',
    ],
    [
      'ends short of its length, with no error',
      100,
      (peer) => {
        peer.reset(1, 0)
      },
      'HTTP2_NO_ERROR',
    ],
  ]
  test.each(endings)('%s (length %s): whoever reads it hears of it', async (_what, length, end, reason) => {
    onRequest((peer, stream) => {
      peer.head(stream, { ...(length !== undefined && { length }) })
      peer.data(stream, 'part', false)
    })
    const answer = await fetch(url())
    const reader = answer.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('part')
    const [peer] = peers()
    if (peer === undefined) throw new Error('Nobody asked')
    end(peer)
    expect(await failureOf(Promise.resolve(reader?.read()))).toMatchObject({ reason })
  })

  test('goes on to its end when the server leaves in good order; the next request takes a new connection', async () => {
    onRequest((peer, stream, number) => {
      if (number > 1) {
        answerAll(peer, stream)
        return
      }
      peer.head(stream)
      peer.goaway(stream, 0)
    })
    const answer = await fetch(url())
    const next = await fetch(url())
    expect(await next.text()).toBe('whole')
    const [first] = peers()
    first?.data(1, 'late but whole')
    expect(await answer.text()).toBe('late but whole')
    expect(peers()).toHaveLength(2)
  })

  test('is called off by its reader: the server hears CANCEL, and the connection is used again', async () => {
    onRequest((peer, stream, number) => {
      if (number > 1) {
        answerAll(peer, stream)
        return
      }
      peer.head(stream)
      peer.data(stream, 'part', false)
    })
    const answer = await fetch(url())
    await answer.body?.cancel()
    await expect.poll(() => peers()[0]?.of(frameTypes.reset)[0]?.payload.readUInt32BE(0)).toBe(8)
    expect(await (await fetch(url())).text()).toBe('whole')
    expect(peers()).toHaveLength(1)
  })
})

test('a request that is called off before its answer is a CANCEL, and the connection is used again', async () => {
  const controller = new AbortController()
  onRequest((peer, stream, number) => {
    if (number === 1) controller.abort(new Error('enough'))
    else answerAll(peer, stream)
  })
  expect(await failureOf(fetch(url(), { signal: controller.signal }))).toMatchObject({ message: 'enough' })
  await expect.poll(() => peers()[0]?.of(frameTypes.reset)[0]?.payload.readUInt32BE(0)).toBe(8)
  expect(await (await fetch(url())).text()).toBe('whole')
  expect(peers()).toHaveLength(1)
})

test('a connection that was silent for long is asked for a sign of life; without one the request moves to a new one', async () => {
  onRequest((peer, stream, number) => {
    if (number !== 2) answerAll(peer, stream)
  })
  await (await fetch(url())).text()
  await expect.poll(() => fetch.connections()?.free).toBe(1)
  const uptime = process.uptime.bind(process)
  const clock = vi.spyOn(process, 'uptime').mockImplementation(() => uptime() + 11)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const answer = fetch(url())
    const [peer] = peers()
    if (peer === undefined) throw new Error('Nobody asked')
    while (peer.of(frameTypes.ping).length === 0) await once(peer.socket, 'data')
    vi.advanceTimersByTime(10_000)
    expect(await (await answer).text()).toBe('whole')
  } finally {
    vi.useRealTimers()
    clock.mockRestore()
  }
  expect(peers()).toHaveLength(2)
})
