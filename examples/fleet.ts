import { createVault, redisStore } from 'sessionbridge'
import shop from './shop.ts'

const store = redisStore(process.env['REDIS_URL'] ?? 'redis://localhost')
const vault = createVault({ store, key: process.env['SESSIONBRIDGE_KEY'] })
const session = await vault.open(shop, { account: 'alice' })
const pages = Array.from({ length: 20 }, (_, n) => new URL(`/api/orders?page=${String(n + 1)}`, shop.url))
const answers = await Promise.all(pages.map((url) => session.http(url).json<unknown[]>()))
console.log(`${String(answers.flat().length)} orders, epoch ${String(session.epoch)}`)
await session.close()
await store.close()
