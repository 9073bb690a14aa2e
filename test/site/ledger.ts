import { randomBytes } from 'node:crypto'

/** A signed-in browser, as the shop's server remembers it. Every value that proves something holds the canary. */
export interface ShopSession {
  readonly account: string
  /** Value of the httpOnly cookie `sid`. */
  readonly sid: string
  /** Value of the readable cookie `csrf`, expected back in `X-CSRF-Token`. */
  readonly csrf: string
  /** Kept in sessionStorage by the page, expected back in `X-Tab`. */
  readonly tab: string
  /** Kept in IndexedDB by the page. */
  readonly cart: string
  /** Bearer token for `api.shop.test`. */
  token: string
  tokenDiesAt: number
  /** Value of the rotating cookie `rot`. */
  rotation: string
  /** Values of `rot` handed out before. */
  readonly rotatedOut: Set<string>
  answers: number
}

// A type and not an interface: only then it fits where a record of strings is asked for, as secrets are.
export type Account = {
  readonly email: string
  readonly password: string
}

export interface Counters {
  requests: number
  /** Right passwords accepted, by either login. */
  logins: number
  failedLogins: number
  logouts: number
  /** HTML pages answered to a signed-in user. */
  pages: number
  /** API calls answered to a signed-in user. */
  apiCalls: number
  /** Answers 401, and pages that sent the user to the login. */
  refused: number
  /** Writes refused for a missing or wrong CSRF header. */
  csrfRefused: number
  preflights: number
  /** Tokens given out without a login, to a page whose token had died. */
  tokensRenewed: number
  rotations: number
  /** Requests that came with a value of `rot` older than the last. */
  staleRotations: number
  /** Requests for tracker scripts and beacons. */
  trackerCalls: number
}

export interface Ledger {
  readonly canary: string
  readonly accounts: { readonly alice: Account; readonly bob: Account; readonly carol: Account }
  readonly counters: Counters
  /** Milliseconds that a bearer token lives; default one hour. */
  tokenLife: number
  /** Answers after which `rot` changes; default 25. */
  rotateEvery: number
  /** True: a request with an outdated `rot` ends the session. Default false: it is counted only. */
  strictRotation: boolean
  secret(kind: string): string
  signIn(email: string, password: string): ShopSession | undefined
  open(account: string): ShopSession
  bySid(sid: string | undefined): ShopSession | undefined
  byToken(token: string | undefined): ShopSession | undefined
  renewToken(session: ShopSession): void
  end(session: ShopSession): void
  revoke(account?: string): void
  /** Bearer tokens of all sessions die; the sessions live on, and may fetch new ones. */
  expireTokens(): void
}

export function createLedger(): Ledger {
  const canary = `canary${randomBytes(5).toString('hex')}`
  const sessions = new Map<string, ShopSession>()
  const tokens = new Map<string, ShopSession>()
  const secret = (kind: string): string => `${canary}-${kind}-${randomBytes(12).toString('hex')}`
  const account = (name: string): Account => ({
    email: `${name}@shop.test`,
    password: `${canary}-${name}-pass`,
  })

  const ledger: Ledger = {
    canary,
    accounts: { alice: account('alice'), bob: account('bob'), carol: account('carol') },
    counters: emptyCounters(),
    tokenLife: 3_600_000,
    rotateEvery: 25,
    strictRotation: false,
    secret,
    signIn(email, password) {
      const found = Object.entries(ledger.accounts).find(
        ([, known]) => known.email === email && known.password === password,
      )
      if (found === undefined) {
        ledger.counters.failedLogins += 1
        return undefined
      }
      ledger.counters.logins += 1
      return ledger.open(found[0])
    },
    open(name) {
      const session: ShopSession = {
        account: name,
        sid: secret('sid'),
        csrf: secret('csrf'),
        tab: secret('tab'),
        cart: secret('cart'),
        token: '',
        tokenDiesAt: 0,
        rotation: secret('rot'),
        rotatedOut: new Set(),
        answers: 0,
      }
      sessions.set(session.sid, session)
      ledger.renewToken(session)
      return session
    },
    bySid: (sid) => (sid === undefined ? undefined : sessions.get(sid)),
    byToken(token) {
      const session = token === undefined ? undefined : tokens.get(token)
      return session !== undefined && session.tokenDiesAt > Date.now() ? session : undefined
    },
    renewToken(session) {
      tokens.delete(session.token)
      session.token = secret('token')
      session.tokenDiesAt = Date.now() + ledger.tokenLife
      tokens.set(session.token, session)
    },
    end(session) {
      sessions.delete(session.sid)
      tokens.delete(session.token)
    },
    expireTokens() {
      for (const session of sessions.values()) session.tokenDiesAt = 0
    },
    revoke(name) {
      for (const session of [...sessions.values()]) {
        if (name === undefined || session.account === name) ledger.end(session)
      }
    },
  }
  return ledger
}

function emptyCounters(): Counters {
  return {
    requests: 0,
    logins: 0,
    failedLogins: 0,
    logouts: 0,
    pages: 0,
    apiCalls: 0,
    refused: 0,
    csrfRefused: 0,
    preflights: 0,
    tokensRenewed: 0,
    rotations: 0,
    staleRotations: 0,
    trackerCalls: 0,
  }
}
