import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { run, sql, user, type Application } from './application.ts'

/** All pages answer everybody with 200, and no two answers are equal. */
export const mediawiki: Application = {
  name: 'mediawiki',
  packages: ['mediawiki', 'php-cli', 'php-sqlite3', 'php-intl', 'php-mbstring', 'php-xml', 'php-apcu'],
  async install(folder, origin) {
    const www = join(folder, 'www')
    // Its settings are a link to those of the machine, which nobody has written yet.
    const filter = (path: string): boolean => !path.endsWith('/LocalSettings.php')
    await cp('/usr/share/mediawiki', www, { recursive: true, dereference: true, filter })
    const place = ['--dbtype', 'sqlite', '--dbpath', join(folder, 'data'), '--dbname', 'wiki']
    const names = ['--server', origin, '--scriptpath', '', '--pass', user.password, 'Wiki', 'Alice']
    await run('php', ['maintenance/install.php', ...place, ...names], { cwd: www })
    return ['php', '-S', new URL(origin).host, '-t', 'www']
  },
  login: '/index.php?title=Special:UserLogin',
  async signIn(page, password) {
    await page.getByLabel('Username').fill('Alice')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Log in' }).click()
  },
  async use({ read, post }) {
    const asked = await read('/api.php?action=query&meta=tokens&format=json')
    const { query } = JSON.parse(asked) as { query: { tokens: { csrftoken: string } } }
    const fields = { action: 'edit', title: 'Lamp', text: `Lamp ${String(Date.now())}`, format: 'json' }
    const saved = await post('/api.php', { ...fields, token: query.tokens.csrftoken })
    if (!saved.includes('"result":"Success"')) throw new Error('the page was not saved')
    if (!(await read('/index.php/Main_Page')).includes('id="pt-logout"'))
      throw new Error('the main page is not Alice’s')
  },
  forget: (folder) =>
    sql(join(folder, 'data', 'wiki.sqlite'), 'update user set user_token = hex(randomblob(16))'),
}
