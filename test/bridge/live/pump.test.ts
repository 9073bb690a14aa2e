import { describe, expect, test } from 'vitest'
import { Pump } from '../../../src/bridge/live/pump.ts'

describe('a pump', () => {
  test('makes one run of a burst, and never two at once', async () => {
    let runs = 0
    let inside = 0
    const pump = new Pump(async () => {
      inside += 1
      expect(inside).toBe(1)
      await new Promise(setImmediate)
      inside -= 1
      runs += 1
    })
    for (let n = 0; n < 100; n += 1) pump.poke()
    await pump.settle()
    expect(runs).toBe(1)
  })

  test('hears a poke made in the last moment of a run', async () => {
    let pending = 0
    let done = 0
    const pump = new Pump(async () => {
      await Promise.resolve()
      done += pending
      pending = 0
    })
    for (let depth = 0; depth < 12; depth += 1) {
      pump.poke()
      const running = pump.settle()
      for (let turn = 0; turn < depth; turn += 1) await Promise.resolve()
      pending += 1
      pump.poke()
      await running
      await pump.settle()
      expect(done).toBe(depth + 1)
    }
  })

  test('goes on after work that fails, and stops for good', async () => {
    let runs = 0
    const pump = new Pump(() => {
      runs += 1
      return Promise.reject(new Error('the browser is closed'))
    })
    await pump.settle()
    await pump.settle()
    expect(runs).toBe(2)
    await pump.stop()
    pump.poke()
    await pump.settle()
    expect(runs).toBe(2)
  })
})
