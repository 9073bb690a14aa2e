import { readdirSync } from 'node:fs'
import { chromium } from 'playwright'
import { createVault, defineRecipe, redisStore } from '../../dist/src/index.js'

// One process that uses one session without end, so many requests a second, and says what it costs when asked.
const job = JSON.parse(process.env['FLEET_JOB'] ?? '{}')
const browser = await chromium.connect(job.browser)
const store = redisStore(job.redis)
const recipe = defineRecipe({
  name: 'shop',
  url: new URL('/login', job.shop).href,
  probe: new URL('/api/orders', job.shop).href,
  revisit: false,
  async login(page, { secret }) {
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
  policy: { storeDown: 'continue' },
})
const session = await vault.open(recipe, { account: 'alice' })
const errors = {}
let answered = 0
let underWay = 0

async function ask(page) {
  underWay += 1
  try {
    const answer = await session.http(new URL(`/api/orders?page=${page}`, job.shop))
    if (answer.statusCode === 200) answered += 1
  } catch (error) {
    const code = error.code ?? error.name
    errors[code] = (errors[code] ?? 0) + 1
  } finally {
    underWay -= 1
  }
}

const every = 25
const burst = Math.round((job.perSecond * every) / 1000)
let page = 0
const pulse = setInterval(() => {
  // A machine that cannot keep up asks less, it does not pile up.
  for (let n = 0; n < burst && underWay < job.perSecond / 2; n++) void ask((page += 1))
}, every)

function figures() {
  globalThis.gc()
  const resources = process.getActiveResourcesInfo()
  const count = (name) => resources.filter((resource) => resource === name).length
  return {
    heap: process.memoryUsage().heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
    timers: count('Timeout'),
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    answered,
    underWay,
    epoch: session.epoch,
    errors,
  }
}

process.on('message', (message) => {
  if (message.figures) process.send({ figures: figures() })
  if (message.drain) {
    clearInterval(pulse)
    const look = setInterval(() => {
      if (underWay > 0) return
      clearInterval(look)
      process.send({ figures: figures() })
    }, every)
  }
  if (message.stop) {
    void session
      .close()
      .then(() => browser.close())
      .then(() => store.close())
      .then(() => {
        process.send({ stopped: true })
        process.disconnect()
      })
  }
})
process.send({ ready: true })
