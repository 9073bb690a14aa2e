import { expect, test } from 'vitest'
import { createWarmingTransport } from '../../src/http/wire/warming.ts'
import { Cancellation, type Transport, type WireRequest } from '../../src/http/wire/wire.ts'

function recorder(name: string, log: string[]): Transport {
  return {
    send: () => {
      log.push(name)
      return Promise.reject(new Error('no answer is needed here'))
    },
    close: () => {
      log.push(`${name} closed`)
      return Promise.resolve()
    },
  }
}

const request: WireRequest = {
  method: 'GET',
  url: new URL('https://shop.test/'),
  headers: [],
  body: undefined,
}

async function sendTimes(transport: Transport, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await transport.send(request, new Cancellation()).catch(() => undefined)
}

test('one request never starts the client for many', async () => {
  const log: string[] = []
  const load = (): Promise<Transport> => {
    log.push('loaded')
    return Promise.resolve(recorder('warm', log))
  }
  const transport = createWarmingTransport(recorder('cold', log), load, 3)
  await sendTimes(transport, 2)
  expect(log).toEqual(['cold', 'cold'])
  await sendTimes(transport, 3)
  expect(log).toEqual(['cold', 'cold', 'loaded', 'cold', 'warm', 'warm'])
})

test('while the other client loads, and when it cannot be loaded, the first one goes on', async () => {
  const log: string[] = []
  let fail: ((error: Error) => void) | undefined
  const load = (): Promise<Transport> => new Promise((_resolve, reject) => (fail = reject))
  const transport = createWarmingTransport(recorder('cold', log), load, 1)
  await sendTimes(transport, 3)
  fail?.(new Error('not installed'))
  await sendTimes(transport, 3)
  expect(new Set(log)).toEqual(new Set(['cold']))
})

test('closing closes both, also one that was still loading', async () => {
  const log: string[] = []
  let loaded: ((transport: Transport) => void) | undefined
  const load = (): Promise<Transport> => new Promise((resolve) => (loaded = resolve))
  const transport = createWarmingTransport(recorder('cold', log), load, 1)
  await sendTimes(transport, 1)
  const closing = transport.close()
  loaded?.(recorder('warm', log))
  await closing
  expect(log).toEqual(['cold', 'cold closed', 'warm closed'])
})
