import { codeOf, joinFleet, leaveFleet, onOrder, say } from './fleet-member.ts'

// One process of a fleet: so many workers that ask for orders without end, and report to whoever started them.
const member = await joinFleet()
const { job, vault, recipe } = member
const open = () => vault.open(recipe, { account: 'alice' })

if (job.openings !== undefined) {
  let first: number | undefined
  const opened = Array.from({ length: job.openings }, async () => {
    const session = await open()
    first ??= Date.now()
    return session
  })
  setImmediate(() => {
    say({ at: 'waiting' })
  })
  const sessions = await Promise.all(opened)
  say({ first: first ?? 0, last: Date.now() })
  await Promise.all(sessions.map((session) => session.close()))
}

const session = await open().catch((error: unknown) => {
  say({ failed: codeOf(error) })
  throw error
})
const epochs = [session.epoch]
const errors: string[] = []
let round = 0
let waiting = new Set<number>()
let stopped = false

async function work(number: number): Promise<void> {
  for (let page = 1; !stopped; page++) {
    const begunIn = round
    try {
      const answer = await session.http(new URL(`/api/orders?page=${String(page)}`, job.shop))
      if (answer.statusCode !== 200) errors.push(`answered ${String(answer.statusCode)}`)
    } catch (error) {
      errors.push(codeOf(error))
    }
    const before = epochs.at(-1) ?? 0
    if (session.epoch < before) errors.push('the epoch went back')
    if (session.epoch !== before) epochs.push(session.epoch)
    if (begunIn === round && waiting.delete(number) && waiting.size === 0) say({ round, epochs, errors })
  }
}

const workers = Array.from({ length: job.workers }, (_, number) => work(number))

async function stop(): Promise<void> {
  stopped = true
  await Promise.all(workers)
  await session.close()
  say({ stopped: true, epochs, errors })
  await leaveFleet(member)
}

onOrder((order) => {
  if (order.round !== undefined) {
    round = order.round
    waiting = new Set(workers.keys())
  }
  if (order.stop === true) void stop()
})
say({ ready: true, isNew: session.isNew })
