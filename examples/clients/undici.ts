import { createVault, fileStore, sessionDispatcher } from 'sessionbridge'
import { request } from 'undici'
import shop from '../shop.ts'

// undici's own functions, and whatever takes its dispatcher.
const vault = createVault({ store: fileStore('.sessions'), key: process.env['SESSIONBRIDGE_KEY'] })
await using session = await vault.open(shop, { account: 'alice' })
const dispatcher = await sessionDispatcher(session)

const { statusCode, body } = await request(new URL('/api/orders?page=1', shop.url), { dispatcher })
const orders = (await body.json()) as unknown[]
console.log(`undici: ${String(statusCode)}, ${String(orders.length)} orders`)
