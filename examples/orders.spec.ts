import { expect, test as base } from '@playwright/test'
import { createVault, fileStore } from 'sessionbridge'
import { sessionFixtures } from 'sessionbridge/fixtures'
import shop from './shop.ts'

const vault = createVault({ store: fileStore('.sessions'), key: process.env['SESSIONBRIDGE_KEY'] })
const test = base.extend(sessionFixtures(vault))
test.use({ recipe: shop, account: 'alice', baseURL: new URL('/', shop.url).href })

test('the orders page shows what the API returns', async ({ page, http }) => {
  const orders = await http('/api/orders').json<unknown[]>()
  await page.goto('/orders') // already signed in
  await expect(page.getByRole('row')).toHaveCount(orders.length)
})
