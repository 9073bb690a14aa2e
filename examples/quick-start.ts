import { createVault, fileStore } from 'sessionbridge'
import shop from './shop.ts'

const vault = createVault({ store: fileStore('.sessions'), key: process.env['SESSIONBRIDGE_KEY'] })
await using session = await vault.open(shop, { account: 'alice' }) // resumes, or logs in once
for (let page = 1; page <= 5; page++) {
  const orders = await session.http(new URL(`/api/orders?page=${String(page)}`, shop.url)).json<unknown[]>()
  console.log(`page ${String(page)}: ${String(orders.length)} orders`)
}
const total = await session.browse(async (page) => {
  await page.goto(new URL('/report', shop.url).href) // a page that needs JavaScript
  return page.getByTestId('total').textContent()
})
console.log(`total ${String(total)}`)
