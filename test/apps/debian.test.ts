import { spawnSync } from 'node:child_process'
import { chromium, type Browser } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVault, defineRecipe, generateKey, memoryStore, type Session } from '../../src/index.ts'
import { chromiumPath } from '../site/chromium.ts'
import { serve, user, type Application, type Client } from './debian/application.ts'
import { django } from './debian/django.ts'
import { dokuwiki } from './debian/dokuwiki.ts'
import { mediawiki } from './debian/mediawiki.ts'

/**
 * Applications of others in PHP and Python, as their distribution ships them: some hundred megabytes, which nobody gets
 * who has not asked for them. Installs nothing.
 */
const isAskedFor = process.env['SESSIONBRIDGE_DEBIAN_APPS'] !== undefined
const applications = [mediawiki, django, dokuwiki]
if (!isAskedFor) {
  const names = applications.map(({ name }) => name).join(', ')
  console.log(`SKIPPED: ${names} of Debian (SESSIONBRIDGE_DEBIAN_APPS=1 runs them, docs: CONTRIBUTING.md)`)
}

let browser: Browser
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: await chromiumPath(), chromiumSandbox: false })
})
afterAll(() => browser.close())

test.runIf(isAskedFor).each(applications)(
  '$name is used without a header written by hand, and again after it has forgotten the session',
  async (application) => {
    assertInstalled(application)
    await using served = await serve(application)
    const { origin } = served
    const vault = createVault({
      ...{ store: memoryStore(), key: generateKey(), browser: { browser } },
      secrets: { password: user.password },
    })
    const recipe = defineRecipe({
      ...{ name: application.name, url: origin + application.login },
      ...(application.home !== undefined && { home: origin + application.home }),
      login: async (page, { secret }) => application.signIn(page, await secret('password')),
    })
    await using session = await vault.open(recipe)
    await application.use(clientOf(session, origin), origin)
    await application.forget(served.folder)
    await application.use(clientOf(session, origin), origin)
    expect([session.epoch, await session.check()]).toEqual([2, 'alive'])
  },
)

function clientOf(session: Session, origin: string): Client {
  return {
    read: (path) => session.http(origin + path).text(),
    post: (path, form) => session.http.post(origin + path, { form }).text(),
  }
}

function assertInstalled({ name, packages }: Application): void {
  const absent = packages.filter(
    (one) => spawnSync('dpkg', ['--status', one], { stdio: 'ignore' }).status !== 0,
  )
  if (absent.length > 0)
    throw new Error(`For ${name}: apt-get install --no-install-recommends ${absent.join(' ')}`)
}
