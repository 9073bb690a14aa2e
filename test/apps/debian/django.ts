import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run, sql, user, type Application } from './application.ts'

const settings = `
ALLOWED_HOSTS = ['127.0.0.1']
INSTALLED_APPS += ['rest_framework']
REST_FRAMEWORK = {
    'DEFAULT_AUTHENTICATION_CLASSES': ['rest_framework.authentication.SessionAuthentication'],
    'DEFAULT_PERMISSION_CLASSES': ['rest_framework.permissions.IsAuthenticated'],
}
`
const api = `
from rest_framework.decorators import api_view
from rest_framework.response import Response

@api_view(['GET', 'POST'])
def me(request): return Response({'user': request.user.username, 'method': request.method})

urlpatterns += [path('api/me', me)]
`
const python = '/usr/bin/python3'

/** Its pages post nothing by themselves: what a form needs stands in the form, and what a script needs in a cookie. */
export const django: Application = {
  name: 'django',
  packages: ['python3-django', 'python3-djangorestframework'],
  async install(folder, origin) {
    const manage = (...args: string[]): Promise<string> =>
      run(python, ['manage.py', ...args], { cwd: folder, env: { DJANGO_SUPERUSER_PASSWORD: user.password } })
    await run(python, ['-m', 'django', 'startproject', 'site1', '.'], { cwd: folder })
    await appendFile(join(folder, 'site1', 'settings.py'), settings)
    await appendFile(join(folder, 'site1', 'urls.py'), api)
    await manage('migrate')
    await manage('createsuperuser', '--noinput', '--username', user.username, '--email', 'a@shop.test')
    return [python, 'manage.py', 'runserver', '--noreload', new URL(origin).host]
  },
  login: '/admin/login/?next=/admin/',
  home: '/admin/auth/group/add/',
  async signIn(page, password) {
    await page.getByLabel('Username').fill(user.username)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Log in' }).click()
  },
  async use({ read, post }) {
    if (!(await read('/api/me?format=json')).includes('"user":"alice"'))
      throw new Error('nobody is signed in')
    const page = await post('/admin/auth/group/add/', { name: `group ${String(Date.now())}`, _save: 'Save' })
    if (!page.includes('was added successfully')) throw new Error('the group was not added')
    if (!(await post('/api/me', {})).includes('alice')) throw new Error('the API does not know Alice')
  },
  forget: (folder) => sql(join(folder, 'db.sqlite3'), 'delete from django_session'),
}
