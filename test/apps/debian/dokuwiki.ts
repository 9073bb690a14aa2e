import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run, user, type Application } from './application.ts'

/** A page whose answers differ by the names of their classes alone; its login page is a page with a query. */
export const dokuwiki: Application = {
  name: 'dokuwiki',
  packages: ['dokuwiki', 'php-cli', 'php-xml'],
  async install(folder, origin) {
    const [conf, sessions] = [join(folder, 'conf/'), join(folder, 'sessions')]
    await cp('/usr/share/dokuwiki', join(folder, 'www'), { recursive: true, dereference: true })
    await cp('/etc/dokuwiki', conf, { recursive: true, dereference: true })
    await cp('/var/lib/dokuwiki/data', join(folder, 'data'), { recursive: true, dereference: true })
    await mkdir(sessions)
    const hash = await run('php', ['-r', 'echo password_hash($argv[1], PASSWORD_BCRYPT);', user.password], {
      cwd: folder,
    })
    await writeFile(join(conf, 'users.auth.php'), `${user.username}:${hash}:Alice:a@shop.test:admin,user\n`)
    await writeFile(join(conf, 'acl.auth.php'), '*  @ALL  0\n*  @user  8\n')
    await writeFile(
      join(conf, 'local.php'),
      `<?php $conf['useacl'] = 1; $conf['savedir'] = '${join(folder, 'data')}';`,
    )
    await writeFile(
      join(folder, 'www', 'inc', 'preload.php'),
      `<?php define('DOKU_CONF', '${conf}'); define('DOKU_MAIN_CONF', '${conf}');`,
    )
    return ['php', '-d', `session.save_path=${sessions}`, '-S', new URL(origin).host, '-t', 'www']
  },
  login: '/doku.php?id=start&do=login',
  async signIn(page, password) {
    await page.getByLabel('Username').fill(user.username)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Log In' }).click()
  },
  async use({ read, post }) {
    const text = `lamp ${String(Date.now())}`
    const form = await read('/doku.php?id=lamp&do=edit')
    const sectok = /name="sectok" value="([^"]+)/.exec(form)?.[1] ?? ''
    await post('/doku.php?id=lamp', { sectok, id: 'lamp', wikitext: text, 'do[save]': '1', date: '' })
    if (!(await read('/doku.php?id=lamp')).includes(text)) throw new Error('the page was not saved')
  },
  async forget(folder) {
    const sessions = join(folder, 'sessions')
    for (const name of await readdir(sessions)) await rm(join(sessions, name))
    // Without its salt a cookie that remembers the user opens nothing any more.
    await rm(join(folder, 'data', 'meta', '_htcookiesalt2'), { force: true })
    await rm(join(folder, 'data', 'meta', '_htcookiesalt'), { force: true })
  },
}
