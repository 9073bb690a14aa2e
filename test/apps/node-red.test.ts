import { chromium, type Browser } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createVault,
  defineRecipe,
  generateKey,
  memoryStore,
  type Recipe,
  type Session,
} from '../../src/index.ts'
import { chromiumPath } from '../site/chromium.ts'
import { startNodeRed, type NodeRed } from '../site/node-red.ts'

// The first run installs node-red into the cache folder: half a minute with a registry at hand.
const installing = 300_000

let red: NodeRed
let browser: Browser
const store = memoryStore()

beforeAll(async () => {
  const launched = chromium.launch({ executablePath: await chromiumPath(), chromiumSandbox: false })
  ;[red, browser] = await Promise.all([startNodeRed(), launched])
}, installing)
afterAll(async () => {
  await browser.close()
  await store.close()
  await red[Symbol.asyncDispose]()
})

/** What an administrator's script would ask for; each is refused to a stranger. */
async function administer(session: Session): Promise<void> {
  const asked = ['settings', 'nodes', 'flows'].map((path) => red.url + path)
  const [settings, nodes, flows] = await Promise.all([
    session.http(asked[0] ?? '').json<{ user: { username: string } }>(),
    session.http(asked[1] ?? '').json<{ id: string }[]>(),
    session.fetch(asked[2] ?? ''),
  ])
  expect(settings.user.username).toBe('alice')
  expect(nodes.map(({ id }) => id)).toContain('node-red/inject')
  // Of the form that the editor asks for, by a header of its own: a stranger's script would be given a plain list.
  expect([flows.status, await flows.json()]).toMatchObject([200, { flows: [] }])
}

const fill = {
  async login(page, { secret }) {
    await page.getByLabel('Username').fill(await secret('username'))
    await page.getByLabel('Password').fill(await secret('password'))
    await page.getByRole('button', { name: 'Login' }).click()
  },
  revisit: false, // its editor has nothing to renew a token with
} satisfies Partial<Recipe>

test('node-red is asked over HTTP as its editor asks, and goes on when its token is revoked and when its time is over', async () => {
  const vault = createVault({ store, key: generateKey(), browser: { browser }, secrets: red.user })
  const byEditor = defineRecipe({ name: 'node-red', url: red.url, ...fill })
  await using session = await vault.open(byEditor)
  await administer(session)
  expect((await fetch(`${red.url}nodes`)).status).toBe(401)
  expect(session.epoch).toBe(1)

  const item = session.state.origins[0]?.localStorage.find(({ name }) => name === 'auth-tokens')
  const { access_token } = JSON.parse(item?.value ?? '{}') as { access_token?: string }
  await session.http.post(`${red.url}auth/revoke`, { json: { token: access_token } })
  await administer(session)
  expect(session.epoch).toBe(2)

  // The same session, by what the form's script does with what is typed: no browser any more.
  const overHttp = defineRecipe({
    ...byEditor,
    async rotate({ http, secret, setItem }) {
      const username = await secret('username')
      const form = { client_id: 'node-red-editor', grant_type: 'password', scope: '', username }
      const password = await secret('password')
      const { body } = await http.post(`${red.url}auth/token`, { form: { ...form, password } })
      setItem(new URL(red.url).origin, 'auth-tokens', body.toString())
    },
  })
  await using renewing = await vault.open(overHttp, { login: 'never' })
  await red.passTokenLife()
  await administer(renewing)
  expect(renewing.epoch).toBe(3)
  expect((await vault.events(renewing.name)).map(({ why }) => why)).toEqual(['login', 'login', 'rotate'])
})
