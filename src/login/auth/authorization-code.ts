import { createHash, randomBytes } from 'node:crypto'
import type { Page } from 'playwright'
import { LoginEnded } from '../explain.ts'
import { orAbort } from '../quiet.ts'
import type { LoginTools, SignInTools } from '../recipe.ts'
import type { AuthorizationCodeOptions } from './oauth2-recipes.ts'
import { requestTokens, type Tokens } from './token-endpoint.ts'

/** RFC 7636, 4.2. */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

/** Sends the browser to the issuer, reads the code from the way back, and buys tokens for it. */
export async function authorize(tools: SignInTools, options: AuthorizationCodeOptions): Promise<Tokens> {
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const { redirectUri } = options
  const code = await tools.browse((page, login) =>
    codeFromBrowser(page, login, { options, state, challenge: challengeOf(verifier) }),
  )
  return requestTokens(tools, options, {
    ...{ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
  })
}

interface Asking {
  readonly options: AuthorizationCodeOptions
  readonly state: string
  readonly challenge: string
}

async function codeFromBrowser(page: Page, login: LoginTools, asking: Asking): Promise<string> {
  const { options } = asking
  const { answered } = await listenAt(page, options.redirectUri)
  // A silent yes of an issuer that knows the browser ends in the redirect, and that navigation never arrives.
  const arrived = page.goto(authorizeUrl(asking), { waitUntil: 'domcontentloaded', timeout: 0 })
  const first = await orAbort(Promise.race([answered, arrived.catch(() => undefined)]), login.signal)
  if (first instanceof URL) return codeOf(first, asking)
  // The function may go on waiting for a page that has been left: what counts is the answer.
  const work = options.login(page, login).then(() => answered)
  return codeOf(await orAbort(Promise.race([work, answered]), login.signal), asking)
}

function authorizeUrl({ options, state, challenge }: Asking): string {
  const { authorizeUrl: base, clientId, redirectUri, scope } = options
  const url = new URL(base)
  const fields = {
    response_type: 'code',
    ...{ client_id: clientId, redirect_uri: redirectUri, state },
    ...(scope !== undefined && { scope }),
    ...{ code_challenge: challenge, code_challenge_method: 'S256' },
  }
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value)
  return url.href
}

/**
 * The first request to the redirect URI, which is answered here and reaches nobody: the code is for us. By the DevTools
 * protocol, because Playwright's routes do not see where a redirect leads.
 */
async function listenAt(page: Page, redirectUri: string): Promise<{ answered: Promise<URL> }> {
  const { origin, pathname } = new URL(redirectUri)
  const devTools = await page.context().newCDPSession(page)
  const answered = new Promise<URL>((resolve) => {
    devTools.on('Fetch.requestPaused', ({ requestId, request }) => {
      const url = new URL(request.url)
      if (url.pathname !== pathname) {
        devTools.send('Fetch.continueRequest', { requestId }).catch(() => undefined)
        return
      }
      const body = Buffer.from('Signed in.').toString('base64')
      devTools
        .send('Fetch.fulfillRequest', { requestId, responseCode: 200, body })
        .catch(() => undefined)
        .finally(() => {
          resolve(url)
        })
    })
  })
  await devTools.send('Fetch.enable', { patterns: [{ urlPattern: `${origin}${pathname}*` }] })
  return { answered }
}

function codeOf(answer: URL, { state }: Asking): string {
  const { searchParams } = answer
  // Not the answer to what we have asked (RFC 6749, 10.12).
  if (searchParams.get('state') !== state)
    throw new LoginEnded('not-completed', 'the answer of the issuer has another state')
  const code = searchParams.get('code')
  if (code !== null && code !== '') return code
  const refused = searchParams.get('error') === 'access_denied'
  throw new LoginEnded(refused ? 'rejected' : 'not-completed', 'the issuer has sent back an error')
}
