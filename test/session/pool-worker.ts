import { createVault, defineRecipe, fileStore, redisStore, type Session } from '../../src/index.ts'
import type { PoolJob, PoolMessage } from './pool-job.ts'

// One process that uses a pool, and reports to whoever started it. See pool-processes.test.ts.
const job = JSON.parse(process.env['POOL_JOB'] ?? '') as PoolJob
const { who, uses = 0, workers = 1, prefix = '' } = job
const store =
  job.redis === undefined
    ? fileStore(job.directory ?? '')
    : redisStore(job.redis, { prefix, timeout: 20_000 })
const vault = createVault({ store, key: job.key })
const recipe = defineRecipe({ name: 'shop', url: new URL('/login', job.shop).href })
const pool = vault.pool(recipe, job.accounts, { ttl: job.ttl })

function say(message: PoolMessage): void {
  process.send?.(message)
}

async function once(session: Session): Promise<void> {
  await session.http(`${job.inUrl}?who=${who}`)
  await session.http(new URL('/api/orders', job.shop))
  await session.http(`${job.outUrl}?who=${who}`)
}

/** Stands at the desk until told to go, killed, or no longer the one to stand there. */
async function hold(): Promise<void> {
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
    say({ failed: error instanceof Error && 'code' in error ? String(error.code) : 'unknown' })
  }
}

async function work(): Promise<void> {
  // All begin together: one that has done its share before the other is there shows nothing.
  await new Promise((resolve) => {
    process.once('message', resolve)
    say({ ready: true })
  })
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
