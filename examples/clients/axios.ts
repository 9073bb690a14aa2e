import { createVault, fileStore } from 'sessionbridge'
import { loadAxios } from '../../test/site/foreign-clients.ts'
import shop from '../shop.ts'

const axios = await loadAxios() // in your program: import axios from 'axios'

const vault = createVault({ store: fileStore('.sessions'), key: process.env['SESSIONBRIDGE_KEY'] })
await using session = await vault.open(shop, { account: 'alice' })
const client = axios.create({
  adapter: 'fetch',
  env: { fetch: session.fetch },
  headers: { 'User-Agent': false }, // else axios says its own name
})

const { status, data } = await client(new URL('/api/orders?page=1', shop.url).href)
console.log(`axios: ${String(status)}, ${String((data as unknown[]).length)} orders`)
