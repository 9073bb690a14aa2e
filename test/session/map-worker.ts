import { createVault, defineRecipe, fileStore, redisStore } from '../../src/index.ts'
import type { MapJob, MapMessage } from './map-job.ts'

// One process that works on a job with others, and reports to whoever started it. See map-fleet.test.ts.
const job = JSON.parse(process.env['MAP_JOB'] ?? '') as MapJob
const store =
  job.redis === undefined
    ? fileStore(job.directory ?? '')
    : redisStore(job.redis, { prefix: job.prefix ?? '', timeout: 20_000 })
const vault = createVault({ store, key: job.key })
const recipe = defineRecipe({ name: 'shop', url: new URL('/login', job.shop).href })
const urls = Array.from({ length: job.count }, (_, n) => `${job.pageUrl}?n=${String(n)}`)

function say(message: MapMessage): void {
  process.send?.(message)
}

{
  await using session = await vault.open(recipe, { account: 'alice', login: 'never' })
  await new Promise((resolve) => {
    process.once('message', resolve)
    say({ ready: true })
  })
  const { done, failed, elsewhere } = await session.map(
    urls,
    (url, { signal }) => session.http(`${url}&who=${job.who}`, { signal }),
    {
      concurrency: job.concurrency,
      once: { job: 'pages', leaseFor: job.leaseFor },
    },
  )
  say({ result: { done, failed, elsewhere } })
}
await store.close()
process.disconnect()
