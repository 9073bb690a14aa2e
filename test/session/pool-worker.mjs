import { createVault, defineRecipe, fileStore, redisStore } from '../../dist/src/index.js'

// One process that uses a pool, and reports to whoever started it. See pool-processes.test.ts.
/**
 * @typedef {object} Job
 * @property {string} who
 * @property {string} key
 * @property {string} shop
 * @property {string} inUrl
 * @property {string} outUrl
 * @property {string[]} accounts
 * @property {number} ttl
 * @property {string} [directory]
 * @property {string} [redis]
 * @property {string} [prefix]
 * @property {'hold' | 'leave'} [does]
 * @property {number} [uses]
 * @property {number} [workers]
 */

/** @type {unknown} */
const given = JSON.parse(process.env['POOL_JOB'] ?? '{}')
const job = /** @type {Job} */ (given)
const { who, uses = 0, workers = 1 } = job
const say = (/** @type {object} */ message) => process.send?.(message)
const store =
  job.redis === undefined
    ? fileStore(job.directory ?? '')
    : redisStore(job.redis, { prefix: job.prefix ?? '' })
const vault = createVault({ store, key: job.key })
const recipe = defineRecipe({ name: 'shop', url: new URL('/login', job.shop).href })
const pool = vault.pool(recipe, job.accounts, { ttl: job.ttl })

/** @param {import('../../src/index.ts').Session} session */
async function once(session) {
  await session.http(`${job.inUrl}?who=${who}`)
  await session.http(new URL('/api/orders', job.shop))
  await session.http(`${job.outUrl}?who=${who}`)
}

/** Stands at the desk until told to go, killed, or no longer the one to stand there. */
async function hold() {
  try {
    await pool.use(async (session, { signal }) => {
      await session.http(`${job.inUrl}?who=${who}`)
      say({ holds: session.name })
      await new Promise((resolve) => {
        process.once('message', resolve)
        signal.addEventListener('abort', resolve, { once: true })
      })
      say({ over: signal.aborted })
    })
    say({ released: true })
  } catch (error) {
    say({ failed: error instanceof Error && 'code' in error ? error.code : 'unknown' })
  }
}

async function work() {
  const running = Array.from({ length: workers }, async (_, number) => {
    for (let n = number; n < uses; n += workers) await pool.use(once, { timeout: 300_000 })
  })
  await Promise.all(running)
  say({ done: true })
}

if (job.does === 'leave') {
  // Neither pool nor store is closed: nothing of them may keep the process.
  await pool.use(once)
  process.disconnect()
} else {
  await (job.does === 'hold' ? hold() : work())
  await pool.close()
  await store.close()
  process.disconnect()
}
