export interface OidcPageSettings {
  readonly issuer: string
  readonly clientId: string
  readonly apiUrl: string
  readonly storage: 'sessionStorage' | 'localStorage'
  /** Tokens bound to a key that the page makes, and that cannot leave the browser (RFC 9449). */
  readonly dpop: boolean
}

/**
 * A single-page application as one writes it with oidc-client-ts: redirects to the provider and back, tokens where the
 * library keeps them, a refresh when the API no longer takes the access token. Nothing in it knows of a bridge.
 */
export function oidcPage(settings: OidcPageSettings): string {
  return `<h1>Orders</h1><p id="who">…</p><ul id="orders"></ul>
<button id="in" hidden>Sign in</button>
<script src="/oidc-client-ts.js"></script>
<script>
const settings = ${JSON.stringify(settings)};
(${String(runApp)})(settings)
</script>`
}

/** Runs in the page. */
function runApp({ issuer, clientId, apiUrl, storage, dpop }: OidcPageSettings): void {
  interface User {
    readonly access_token: string
    readonly refresh_token?: string
    readonly token_type: string
    readonly expired?: boolean
  }
  interface Manager {
    getUser(): Promise<User | null>
    signinCallback(): Promise<User | undefined>
    signinRedirect(how: object): Promise<void>
    signinSilent(): Promise<User | null>
    removeUser(): Promise<void>
    dpopProof(url: string, user: User, method?: string): Promise<string | undefined>
  }
  const { oidc } = globalThis as unknown as {
    oidc: {
      UserManager: new (options: object) => Manager
      WebStorageStateStore: new (options: object) => object
      IndexedDbDPoPStore: new () => object
    }
  }
  const manager = new oidc.UserManager({
    authority: issuer,
    client_id: clientId,
    redirect_uri: `${location.origin}/`,
    scope: 'openid offline_access',
    userStore: new oidc.WebStorageStateStore({ store: globalThis[storage] }),
    ...(dpop && { dpop: { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() } }),
  })
  let user: User | null | undefined
  const element = (id: string): HTMLElement => document.getElementById(id) ?? document.body

  const ask = async (path: string): Promise<Response> => {
    const { access_token = '', token_type = '' } = user ?? {}
    const url = apiUrl + path
    const proof = user && dpop ? await manager.dpopProof(url, user, 'GET') : undefined
    return fetch(url, {
      headers: {
        Authorization: `${token_type} ${access_token}`,
        ...(proof !== undefined && { DPoP: proof }),
      },
    })
  }
  const get = async (path: string): Promise<{ name: string; orders: string[] }> => {
    let answer = await ask(path)
    if (answer.status === 401 && user?.refresh_token !== undefined) {
      user = await manager.signinSilent()
      answer = await ask(path)
    }
    if (!answer.ok) throw new Error(`answered ${String(answer.status)}`)
    return (await answer.json()) as { name: string; orders: string[] }
  }
  const show = async (): Promise<void> => {
    const { name } = await get('/me')
    const { orders } = await get('/orders')
    element('who').textContent = `Signed in as ${name}`
    element('orders').replaceChildren(
      ...orders.map((order) => Object.assign(document.createElement('li'), { textContent: order })),
    )
  }
  const start = async (): Promise<void> => {
    if (new URLSearchParams(location.search).has('code')) {
      user = await manager.signinCallback()
      history.replaceState({}, '', '/')
    } else user = await manager.getUser()
    if (user) await show()
  }
  const askToSignIn = (): void => {
    element('who').textContent = 'Nobody is signed in'
    element('in').hidden = false
  }

  element('in').addEventListener('click', () => void manager.signinRedirect({ prompt: 'consent' }))
  start().then(
    () => {
      if (!user) askToSignIn()
    },
    () => manager.removeUser().then(askToSignIn),
  )
}
