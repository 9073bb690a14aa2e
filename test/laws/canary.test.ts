import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { pino, type Logger } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createVault,
  defineRecipe,
  fileStore,
  generateKey,
  parseState,
  type Recipe,
  type Vault,
  type VaultOptions,
} from '../../src/index.ts'
import { startShop, type Shop } from '../site/shop.ts'

/**
 * Law 8, no secret leaves. Every secret of the shop holds one distinctive text. The library is driven through a life
 * with all that goes wrong in it, and whatever it says or leaves behind is searched for that text.
 */
let shop: Shop
let folder: string
let key: string
const said: { where: string; text: string }[] = []
const processes = new Set<string>()

beforeAll(async () => {
  shop = await startShop()
  folder = await mkdtemp(join(tmpdir(), 'canary-'))
  key = generateKey()
  await live()
}, 180_000)

afterAll(async () => {
  await shop.close()
  await rm(folder, { recursive: true, force: true })
})

function logger(): Logger {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      said.push({ where: 'log', text: chunk.toString() })
      done()
    },
  })
  return pino({ level: 'trace' }, sink)
}

function vaultWith(options: Partial<VaultOptions> = {}): Vault {
  return createVault({
    store: fileStore(join(folder, 'store')),
    key,
    browser: { args: [...shop.browserArgs] },
    http: { lookup: shop.lookup, ca: shop.ca },
    secrets: { ...shop.accounts.alice },
    logger: logger(),
    screenshots: join(folder, 'screenshots'),
    ...options,
  })
}

function recipeWith(rest: Partial<Recipe> = {}): Recipe {
  return defineRecipe({
    name: 'shop',
    url: shop.url('shop.test', '/login'),
    async login(page, { secret }) {
      await page.getByLabel('Email').fill(await secret('email'))
      await page.getByLabel('Password').fill(await secret('password'))
      await page.getByRole('button', { name: 'Sign in' }).click()
      await lookAtProcesses()
    },
    ...rest,
  })
}

async function lookAtProcesses(): Promise<void> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    processes.add(await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => ''))
  }
}

/** Notes all that an error shows in any of the ways in which errors are shown. */
async function fails(where: string, work: () => Promise<unknown>): Promise<void> {
  const error: unknown = await work().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error(`${where} was expected to fail`)
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const shown = [
      at.message,
      at.stack ?? '',
      JSON.stringify(at),
      inspect(at, { depth: 20, showHidden: true }),
    ]
    said.push({ where, text: shown.join('\n') })
  }
  logger().error({ err: error }, 'as logged by a user')
}

async function live(): Promise<void> {
  const { canary } = shop
  shop.on('shop.test', '/breaks', (_request, response) => {
    response.writeHead(500, { 'set-cookie': `broken=${canary}`, 'x-token': canary }).end(canary)
  })
  shop.on('shop.test', '/hangs', () => undefined)
  shop.on('shop.test', '/away', (_request, response) => {
    response.writeHead(302, { location: `javascript:alert('${canary}')` }).end()
  })
  shop.on('shop.test', '/cut', (request) => {
    request.socket.destroy()
  })
  {
    await using session = await vaultWith().open(recipeWith(), { account: 'alice' })
    for (const path of ['/breaks', '/hangs', '/away', '/cut', '/nowhere']) {
      const url = shop.url('shop.test', `${path}?token=${canary}`)
      await fails(`http ${path}`, () =>
        session.http(url, { headers: { authorization: canary }, timeout: 2_000 }),
      )
      await fails(`http POST ${path}`, () =>
        session.http.post(url, { json: { password: canary }, timeout: 500 }),
      )
    }
    for (const path of ['/hangs', '/away', '/cut']) {
      const url = shop.url('shop.test', `${path}?token=${canary}`)
      await fails(`fetch ${path}`, () =>
        session.fetch(url, { headers: { authorization: canary }, signal: AbortSignal.timeout(3_000) }),
      )
    }
    await fails('unknown host', () => session.http(`https://nowhere.invalid/?token=${canary}`))
    await fails('a visit that throws', () =>
      session.browse(async (page) => {
        await page.goto(shop.url('shop.test', '/account'))
        throw new Error('thrown by the user')
      }),
    )
    said.push({ where: 'inspect session', text: inspect(session, { depth: 6, showHidden: true }) })
  }
  await fails('wrong key', () => vaultWith({ key: generateKey() }).open(recipeWith(), { account: 'alice' }))
  await fails('unusable key', () => Promise.resolve().then(() => vaultWith({ key: `${canary}-is-no-key` })))
  await fails('unusable state', () => Promise.resolve().then(() => parseState(`{"cookies": ${canary}`)))
  const wrong = vaultWith({ secrets: { email: shop.accounts.bob.email, password: `wrong-${canary}` } })
  await fails('wrong password', () => wrong.open(recipeWith(), { account: 'bob' }))
  const lost = recipeWith({
    timeout: 10_000,
    async login(page, { secret }) {
      await page.getByLabel('Nothing of this name').fill(await secret('password'), { timeout: 500 })
    },
  })
  await fails('a fill that fails', () => vaultWith().open(lost, { account: 'carol' }))
  const abroad = recipeWith({
    async login(page, { secret }) {
      await page.goto(shop.url('widget.test', '/blank'))
      await page.getByLabel('Password').fill(await secret('password'))
    },
  })
  await fails('a page of another site', () => vaultWith().open(abroad, { account: 'carol' }))
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

describe('a life with all that goes wrong', () => {
  test('says enough to be searched', () => {
    expect(said.filter(({ where }) => where === 'log').length).toBeGreaterThan(20)
    expect(new Set(said.map(({ where }) => where)).size).toBeGreaterThan(15)
    expect([...processes].some((line) => line.includes('chromium') || line.includes('chrome'))).toBe(true)
  })

  test('shows no secret in a log of any level, nor in any error', () => {
    expect(said.filter(({ text }) => text.includes(shop.canary)).map(({ where }) => where)).toEqual([])
  })

  test('shows no key either', () => {
    expect(said.filter(({ text }) => text.includes(key.slice(5))).map(({ where }) => where)).toEqual([])
  })

  test('leaves no secret in a file', async () => {
    const files = await filesBelow(folder)
    expect(files.some((file) => file.includes('screenshots'))).toBe(true)
    const leaks = []
    for (const file of files) if ((await readFile(file)).includes(shop.canary)) leaks.push(file)
    expect(leaks).toEqual([])
  })

  test('hands no secret to a process as an argument', () => {
    expect([...processes].filter((line) => line.includes(shop.canary) || line.includes(key))).toEqual([])
  })

  test('and the search finds what is there', () => {
    expect(shop.accounts.alice.password).toContain(shop.canary)
    expect(inspect(new Error(`x ${shop.canary}`))).toContain(shop.canary)
  })
})
