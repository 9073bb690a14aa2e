import type { HttpResponse } from '../../http/client.ts'
import type { StateCookie } from '../../state/state.ts'
import { LoginEnded } from '../explain.ts'
import type { SignInTools } from '../recipe.ts'
import type { FormOptions } from './form-recipe.ts'
import { readBase, readForms, readMeta, type HtmlForm } from '../html-forms.ts'

/** Reads the page, fills in its form, sends it. What proves that it was taken is the probe's; a form that comes again is a no. */
export async function signInByForm(tools: SignInTools, options: FormOptions): Promise<void> {
  const page = await tools.http(options.url, { signal: tools.signal })
  const values = await filledIn(tools, options)
  const header = csrfHeader(tools, options, page)
  const { json } = options
  if (json !== undefined) {
    const answer = await tools.http.post(json, {
      ...{ json: values, headers: { Accept: 'application/json', ...header }, throwHttpErrors: false },
      signal: tools.signal,
    })
    assertTaken(answer, options)
  } else {
    const form = chooseForm(page, options)
    assertTaken(await submit(tools, { form, page, values, header }), options)
  }
  if (options.csrf !== undefined) carryCsrf(tools, options, header)
}

async function filledIn(
  { secret }: SignInTools,
  { fields, values }: FormOptions,
): Promise<Record<string, string>> {
  const filled: Record<string, string> = { ...values }
  for (const [field, name] of Object.entries(fields)) filled[field] = await secret(name)
  return filled
}

/** The form that has all the fields; a page may hold a search form, too. */
function chooseForm(page: HttpResponse, { fields }: FormOptions): HtmlForm {
  const wanted = Object.keys(fields)
  const form = readForms(page.text()).find(({ names }) => wanted.every((name) => names.has(name)))
  if (form !== undefined) return form
  throw new LoginEnded('not-completed', `the page has no form with the fields ${wanted.join(', ')}`)
}

interface Submission {
  readonly form: HtmlForm
  readonly page: HttpResponse
  readonly values: Readonly<Record<string, string>>
  readonly header: Readonly<Record<string, string>>
}

function submit(
  { http, signal }: SignInTools,
  { form, page, values, header }: Submission,
): Promise<HttpResponse> {
  const content = new URLSearchParams()
  for (const [name, value] of form.defaults) if (!Object.hasOwn(values, name)) content.append(name, value)
  for (const [name, value] of Object.entries(values)) content.append(name, value)
  const action = form.action === '' ? page.url : new URL(form.action, readBase(page.text(), page.url))
  const { origin } = new URL(page.url)
  const options = { headers: { Referer: page.url, ...header }, throwHttpErrors: false, signal }
  // A password in a URL would be in the logs of every machine on the way.
  if (form.method !== 'post') throw new LoginEnded('not-completed', 'the form is sent by GET')
  return http.post(action, { ...options, form: content, topLevelSite: origin })
}

function assertTaken(answer: HttpResponse, { fields }: FormOptions): void {
  const { statusCode } = answer
  const wanted = Object.keys(fields)
  const again = readForms(answer.text()).some(
    ({ names, hasPassword }) => hasPassword && wanted.every((name) => names.has(name)),
  )
  if (again || statusCode === 401)
    throw new LoginEnded('rejected', 'the page has asked for the same fields again')
  if (statusCode >= 400) throw new LoginEnded('not-completed', `the form was answered ${String(statusCode)}`)
}

function csrfHeader(
  tools: SignInTools,
  { csrf, url }: FormOptions,
  page: HttpResponse,
): Readonly<Record<string, string>> {
  if (csrf === undefined) return {}
  const { header, cookie, meta } = csrf
  const value =
    cookie === undefined ? meta && readMeta(page.text(), meta) : cookieFor(tools.cookies(), cookie, url)
  if (value !== undefined && value !== '') return { [header]: value }
  throw new LoginEnded(
    'not-completed',
    `there is no ${cookie === undefined ? 'meta tag' : 'cookie'} for ${header}`,
  )
}

function cookieFor(cookies: readonly StateCookie[], name: string, url: string): string | undefined {
  const { hostname } = new URL(url)
  const fits = ({ domain }: StateCookie): boolean =>
    domain === hostname || (domain.startsWith('.') && `.${hostname}`.endsWith(domain))
  return cookies.findLast((cookie) => cookie.name === name && fits(cookie))?.value
}

/** A token in a cookie is followed where it goes; one of a page is carried as long as the session lives. */
function carryCsrf(
  tools: SignInTools,
  { csrf, url }: FormOptions,
  header: Readonly<Record<string, string>>,
): void {
  if (csrf === undefined) return
  const { cookie } = csrf
  const value = header[csrf.header] ?? ''
  if (cookie === undefined) tools.setHeader(csrf.header, value, { methods: 'unsafe' })
  else tools.setHeader(csrf.header, value, { methods: 'unsafe', fromCookie: cookie, origins: [url] })
}
