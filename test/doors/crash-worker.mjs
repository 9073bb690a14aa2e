import { createVault, fileStore } from 'sessionbridge'
import shop from '../../dist/examples/shop.js'

// A scraper that never ends by itself; it prints each page that it was given as a signed-in user.
const vault = createVault({ store: fileStore('.sessions'), key: process.env['SESSIONBRIDGE_KEY'] })
const session = await vault.open(shop, { account: 'alice' })
process.stdout.write(`${session.isNew ? 'logged in' : 'resumed'}\n`)
for (let page = 1; ; page++) {
  const html = await session.http(new URL(`/orders/${String(page)}`, shop.url)).text()
  if (!html.includes(`data-order="${String(page * 10)}"`)) throw new Error('not an orders page')
  process.stdout.write(`${String(page)}\n`)
}
