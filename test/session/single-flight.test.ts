import { describe, expect, test } from 'vitest'
import { SingleFlight } from '../../src/session/single-flight.ts'

function deferred<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((a, b) => {
    resolve = a
    reject = b
  })
  return { promise, resolve, reject }
}

describe('single flight', () => {
  test('all who ask for a key while it runs get the result of one run', async () => {
    const flights = new SingleFlight<number>()
    const work = deferred<number>()
    let runs = 0
    const results = Array.from({ length: 50 }, () =>
      flights.run('shop/alice', undefined, () => {
        runs += 1
        return work.promise
      }),
    )
    work.resolve(7)
    expect(await Promise.all(results)).toEqual(Array.from({ length: 50 }, () => 7))
    expect(runs).toBe(1)
  })

  test('different keys run apart, and a finished key runs anew', async () => {
    const flights = new SingleFlight<string>()
    let runs = 0
    const work = (name: string) => () => {
      runs += 1
      return Promise.resolve(name)
    }
    expect(
      await Promise.all([flights.run('a', undefined, work('a')), flights.run('b', undefined, work('b'))]),
    ).toEqual(['a', 'b'])
    await flights.run('a', undefined, work('a'))
    expect(runs).toBe(3)
  })

  test('a caller who gives up is released at once and does not end the work of the others', async () => {
    const flights = new SingleFlight<number>()
    const work = deferred<number>()
    const impatient = new AbortController()
    let seen: AbortSignal | undefined
    const run = (signal?: AbortSignal) =>
      flights.run('k', signal, (flight) => {
        seen = flight
        return work.promise
      })
    const first = run(impatient.signal)
    const second = run()
    impatient.abort(new Error('too slow'))
    await expect(first).rejects.toThrow('too slow')
    expect(seen?.aborted).toBe(false)
    work.resolve(1)
    expect(await second).toBe(1)
  })

  test('the work is aborted when the last caller has given up', async () => {
    const flights = new SingleFlight<number>()
    const impatient = new AbortController()
    let seen: AbortSignal | undefined
    const only = flights.run('k', impatient.signal, (flight) => {
      seen = flight
      return new Promise((_, reject) => {
        flight.addEventListener('abort', () => {
          reject(new Error('work ended'))
        })
      })
    })
    impatient.abort(new Error('enough'))
    await expect(only).rejects.toThrow('enough')
    expect(seen?.aborted).toBe(true)
  })

  test('who comes while work that all have given up still cleans up gets a run of its own', async () => {
    const flights = new SingleFlight<string>()
    const impatient = new AbortController()
    const cleanUp = deferred<string>()
    const only = flights.run('k', impatient.signal, () => cleanUp.promise)
    impatient.abort(new Error('enough'))
    await expect(only).rejects.toThrow('enough')
    const work = deferred<string>()
    const later = [1, 2].map(() => flights.run('k', undefined, () => work.promise))
    cleanUp.reject(new Error('aborted'))
    await new Promise(setImmediate)
    const latest = flights.run('k', undefined, () => Promise.resolve('a third run'))
    work.resolve('the second run')
    expect(await Promise.all([...later, latest])).toEqual(Array.from({ length: 3 }, () => 'the second run'))
  })

  test('all callers get the error of the one run', async () => {
    const flights = new SingleFlight<number>()
    const work = deferred<number>()
    const results = [1, 2, 3].map(() => flights.run('k', undefined, () => work.promise))
    work.reject(new Error('no'))
    for (const result of await Promise.allSettled(results)) expect(result.status).toBe('rejected')
  })
})
