import { chromium } from 'playwright'
import { createVault, defineRecipe, fileStore, redisStore } from '../../dist/src/index.js'

// One process of a fleet: so many workers that ask for orders without end, and report to whoever started them.
const job = JSON.parse(process.env['FLEET_JOB'] ?? '{}')
const store =
  job.redis === undefined ? fileStore(job.directory) : redisStore(job.redis, { prefix: job.prefix })
const browser = await chromium.connect(job.browser)
const told = new Map()

process.on('message', ({ name, value }) => {
  told.get(name)?.(value)
})

/** Says that it stands at a place, and waits until it may go on. */
function standAt(name) {
  return new Promise((resolve) => {
    told.set(name, resolve)
    process.send({ at: name })
  })
}

const recipe = defineRecipe({
  name: 'shop',
  url: new URL('/login', job.shop).href,
  probe: new URL('/api/orders', job.shop).href,
  revisit: job.revisit ?? false,
  async login(page, { secret }) {
    if (job.stops) await standAt('login')
    await page.getByLabel('Email').fill(await secret('email'))
    await page.getByLabel('Password').fill(await secret('password'))
    await page.getByRole('button', { name: 'Sign in' }).click()
  },
})

const vault = createVault({
  store,
  key: job.key,
  browser: { browser },
  secrets: job.secrets,
  policy: { leaseFor: job.leaseFor ?? 15_000, ...job.policy },
})

if (job.openings !== undefined) {
  let first
  const opened = Array.from({ length: job.openings }, async () => {
    const session = await vault.open(recipe, { account: 'alice' })
    first ??= Date.now()
    return session
  })
  setImmediate(() => process.send({ at: 'waiting' }))
  const sessions = await Promise.all(opened)
  process.send({ first, last: Date.now() })
  await Promise.all(sessions.map((session) => session.close()))
}

let session
try {
  session = await vault.open(recipe, { account: 'alice' })
} catch (error) {
  process.send({ failed: error.code ?? error.name, failure: error.failure })
  process.exit(1)
}
const epochs = [session.epoch]
const errors = []
let round = 0
let waiting = new Set()
let stopped = false

async function worker(number) {
  for (let page = 1; !stopped; page++) {
    const begunIn = round
    try {
      const answer = await session.http(new URL(`/api/orders?page=${page}`, job.shop))
      if (answer.statusCode !== 200) errors.push(`answered ${answer.statusCode}`)
    } catch (error) {
      errors.push(error.code ?? error.name)
    }
    if (session.epoch < epochs.at(-1)) errors.push('the epoch went back')
    if (session.epoch !== epochs.at(-1)) epochs.push(session.epoch)
    if (begunIn === round && waiting.delete(number) && waiting.size === 0)
      process.send({ round, epochs, errors })
  }
}

const workers = Array.from({ length: job.workers }, (_, number) => worker(number))
process.on('message', (message) => {
  if (message.round !== undefined) {
    round = message.round
    waiting = new Set(workers.keys())
  }
  if (message.stop) {
    stopped = true
    void Promise.all(workers)
      .then(() => session.close())
      .then(() => browser.close())
      .then(() => store.close())
      .then(() => {
        process.send({ stopped: true, errors, epochs })
        process.disconnect()
      })
  }
})
process.send({ ready: true, epoch: session.epoch, isNew: session.isNew })
