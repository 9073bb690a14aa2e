import { readdirSync } from 'node:fs'
import { codeOf, joinFleet, leaveFleet, onOrder, say } from './fleet-member.ts'
import type { SoakFigures } from './job.ts'

// One process that uses one session without end, so many requests a second, and says what it costs when asked.
const member = await joinFleet('continue')
const { job, vault, recipe } = member
const session = await vault.open(recipe, { account: 'alice' })
const { perSecond = 1 } = job
const errors: Record<string, number> = {}
let answered = 0
let underWay = 0
let page = 0

async function ask(): Promise<void> {
  underWay += 1
  page += 1
  try {
    const answer = await session.http(new URL(`/api/orders?page=${String(page)}`, job.shop))
    if (answer.statusCode === 200) answered += 1
  } catch (error) {
    const code = codeOf(error)
    errors[code] = (errors[code] ?? 0) + 1
  } finally {
    underWay -= 1
  }
}

const every = 25
const burst = Math.round((perSecond * every) / 1000)
const pulse = setInterval(() => {
  // A machine that cannot keep up asks less, it does not pile up.
  for (let n = 0; n < burst && underWay < perSecond / 2; n++) void ask()
}, every)

function figures(): SoakFigures {
  globalThis.gc?.()
  const timers = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout')
  return {
    heap: process.memoryUsage().heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
    timers: timers.length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    answered,
    underWay,
    epoch: session.epoch,
    errors,
  }
}

function drain(): void {
  clearInterval(pulse)
  void ask() // a revocation that came a moment ago is noticed by who asks, however late the pulse was
  const look = setInterval(() => {
    if (underWay > 0) return
    clearInterval(look)
    say({ figures: figures() })
  }, every)
}

async function stop(): Promise<void> {
  clearInterval(pulse)
  await session.close()
  say({ stopped: true })
  await leaveFleet(member)
}

onOrder((order) => {
  if (order.figures === true) say({ figures: figures() })
  if (order.drain === true) drain()
  if (order.stop === true) void stop()
})
say({ ready: true })
