import { defineRecipe } from 'sessionbridge'

const site = process.env['SHOP'] ?? 'https://shop.example'

export default defineRecipe({
  name: 'shop',
  url: `${site}/login`,
  async login(page, { secret }) {
    await page.getByLabel('Email').fill(await secret('email'))
    await page.getByLabel('Password').fill(await secret('password'))
    await page.getByRole('button', { name: 'Sign in' }).click()
  },
})
