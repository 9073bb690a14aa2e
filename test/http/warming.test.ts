import { expect, test } from 'vitest'
import { createWarmingTransport } from '../../src/http/warming.ts'
import { Cancellation, type Transport, type WireRequest } from '../../src/http/wire.ts'

function recorder(name: string, log: string[], prepare?: () => Promise<void>): Transport {
  return {
    send: () => {
      log.push(name)
      return Promise.reject(new Error('no answer is needed here'))
    },
    ...(prepare !== undefined && { prepare }),
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
  const prepare = (): Promise<void> => {
    log.push('prepared')
    return Promise.resolve()
  }
  const transport = createWarmingTransport(recorder('cold', log), recorder('warm', log, prepare), 3)
  await sendTimes(transport, 2)
  expect(log).toEqual(['cold', 'cold'])
  await sendTimes(transport, 3)
  expect(log).toEqual(['cold', 'cold', 'prepared', 'cold', 'warm', 'warm'])
})

test('while the other client loads, and when it cannot be loaded, the first one goes on', async () => {
  const log: string[] = []
  let fail: ((error: Error) => void) | undefined
  const prepare = (): Promise<void> => new Promise((_resolve, reject) => (fail = reject))
  const transport = createWarmingTransport(recorder('cold', log), recorder('warm', log, prepare), 1)
  await sendTimes(transport, 3)
  fail?.(new Error('not installed'))
  await sendTimes(transport, 3)
  expect(new Set(log)).toEqual(new Set(['cold']))
})

test('closing closes both', async () => {
  const log: string[] = []
  await createWarmingTransport(recorder('cold', log), recorder('warm', log)).close()
  expect(log).toEqual(['cold closed', 'warm closed'])
})
