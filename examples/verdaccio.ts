import { createVault, defineRecipe, generateKey, memoryStore } from 'sessionbridge'
import { startRegistry } from './verdaccio/registry.ts'

// A real application that knows nothing of us: verdaccio, a private npm registry with a login in JavaScript. It gives
// no cookie; its page keeps a token in localStorage and sends it as a bearer. Nothing below speaks of either.
await using registry = await startRegistry(console.log)

const verdaccio = defineRecipe({
  name: 'verdaccio',
  url: registry.url,
  async login(page, { secret }) {
    await page.getByRole('button', { name: 'Login' }).click()
    await page.getByLabel('Username').fill(await secret('username'))
    await page.getByLabel('Password').fill(await secret('password'))
    await page.keyboard.press('Enter')
  },
  revisit: false, // its page cannot renew a token by itself: with a dead one, sign in at once
})

const vault = createVault({ store: memoryStore(), key: generateKey(), secrets: registry.user })
await using session = await vault.open(verdaccio)
console.log(`signed in; carried by ${session.headerRules.map((rule) => rule.header).join(', ')}`)

const details = `${registry.url}-/verdaccio/data/sidebar/${registry.packageName}`
const anonymous = await fetch(details)
console.log(`anonymous: ${String(anonymous.status)}`)
const answer = await session.http(details)
const { latest } = answer.json<{ latest: { name: string; description: string } }>()
console.log(`session.http: ${String(answer.statusCode)}, ${latest.name}: ${latest.description}`)

// Its token ends: the next call is answered after one login for all who call.
await registry.passTokenLife()
const calls = Array.from({ length: 5 }, () => session.http(details))
const statuses = (await Promise.all(calls)).map(({ statusCode }) => statusCode)
console.log(`after its token has ended: ${statuses.join(' ')}, in epoch ${String(session.epoch)}`)
