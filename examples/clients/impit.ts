import { createVault, fileStore, impitFetch } from 'sessionbridge'
import { loadImpit } from '../../test/site/foreign-clients.ts'
import shop from '../shop.ts'

const { Impit } = await loadImpit() // in your program: import { Impit } from 'impit'

const vault = createVault({ store: fileStore('.sessions'), key: process.env['SESSIONBRIDGE_KEY'] })
await using session = await vault.open(shop, { account: 'alice' })
const fetch = impitFetch(session, Impit, { browser: 'chrome151' }) // the nearest to the session's user agent

const answer = await fetch(new URL('/api/orders?page=1', shop.url))
console.log(`impit: ${String(answer.status)}, ${String(((await answer.json()) as unknown[]).length)} orders`)
