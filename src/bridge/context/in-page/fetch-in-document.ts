/** A request that a document is to make. */
export interface DocumentRequest {
  readonly url: string
  readonly method: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** base64 */
  readonly body: string | undefined
  readonly redirect: 'follow' | 'error'
  readonly credentials: 'omit' | 'same-origin' | 'include'
  /** Headers that are made from the document's own storage, unless they are among `headers`. */
  readonly rules: readonly StorageRule[]
  /** With a proof of possession (RFC 9449), by the key pair in the document's IndexedDB. */
  readonly isProven: boolean
  /** ms */
  readonly timeout: number
  /** Bytes of the answer's body. */
  readonly longest: number
}

export interface StorageRule {
  readonly header: string
  readonly prefix: string
  readonly area: 'localStorage' | 'sessionStorage'
  readonly key: string
  readonly path: readonly string[]
}

export type DocumentAnswer =
  | {
      readonly status: number
      readonly statusText: string
      readonly headers: readonly (readonly [name: string, value: string])[]
      readonly url: string
      readonly redirected: boolean
      /** base64 */
      readonly body: string
    }
  /** `refused`: network, CORS, or the page's content security policy; a page is not told which. */
  | { readonly failed: 'no-key' | 'too-big' | 'timed-out' | 'refused' }

/**
 * Asks by the document's own `fetch`, whatever the page has made of it, with what the page would have added. Answers
 * as JSON text. Runs in a page's main world.
 */
export async function fetchInDocument(request: DocumentRequest): Promise<string> {
  const text = new TextEncoder()
  const toBase64 = (bytes: Uint8Array): string => {
    let binary = ''
    for (let at = 0; at < bytes.length; at += 0x8000)
      binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
    return btoa(binary)
  }
  const fromBase64 = (encoded: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))
  const base64url = (bytes: Uint8Array): string =>
    toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

  const readRule = ({ area, key, path }: StorageRule): string | undefined => {
    const item = globalThis[area].getItem(key)
    if (item === null || path.length === 0) return item ?? undefined
    let value: unknown = JSON.parse(item)
    for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name]
    return typeof value === 'string' ? value : undefined
  }

  const answerOf = <T>(asked: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      asked.onsuccess = () => {
        resolve(asked.result)
      }
      asked.onerror = () => {
        reject(new Error(asked.error?.name))
      }
    })
  const pairIn = (value: unknown, depth: number): CryptoKeyPair | undefined => {
    if (typeof value !== 'object' || value === null || depth > 4) return undefined
    const { privateKey, publicKey } = value as Partial<CryptoKeyPair>
    const isPair = privateKey instanceof CryptoKey && publicKey instanceof CryptoKey
    if (isPair && privateKey.usages.includes('sign')) return { privateKey, publicKey }
    if (value instanceof CryptoKey) return undefined
    for (const inner of Object.values(value)) {
      const found = pairIn(inner, depth + 1)
      if (found !== undefined) return found
    }
    return undefined
  }
  const findPair = async (): Promise<CryptoKeyPair | undefined> => {
    for (const { name = '' } of await indexedDB.databases()) {
      const database = await answerOf(indexedDB.open(name))
      try {
        for (const store of database.objectStoreNames) {
          const records = database.transaction(store, 'readonly').objectStore(store).getAll(null, 200)
          const pair = pairIn(await answerOf(records), 0)
          if (pair !== undefined) return pair
        }
      } finally {
        database.close()
      }
    }
    return undefined
  }

  const algorithmOf = ({ algorithm }: CryptoKey): { alg: string; how: AlgorithmIdentifier | object } => {
    const { name, namedCurve } = algorithm as EcKeyAlgorithm
    if (name === 'ECDSA') {
      const bits = namedCurve === 'P-521' ? '512' : namedCurve.slice(2)
      return { alg: `ES${bits}`, how: { name, hash: `SHA-${bits}` } }
    }
    if (name === 'RSA-PSS') return { alg: 'PS256', how: { name, saltLength: 32 } }
    return { alg: name === 'Ed25519' ? 'EdDSA' : 'RS256', how: { name } }
  }
  const proofOf = async (pair: CryptoKeyPair, token: string, nonce: string | null): Promise<string> => {
    const { alg, how } = algorithmOf(pair.privateKey)
    const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey)
    const ath = base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', text.encode(token))))
    const claims = {
      jti: crypto.randomUUID(),
      htm: request.method,
      htu: request.url.replace(/[?#].*$/s, ''),
      iat: Math.floor(Date.now() / 1000),
      ath,
      ...(nonce !== null && { nonce }),
    }
    const parts = [{ typ: 'dpop+jwt', alg, jwk: { kty, crv, x, y, n, e } }, claims]
    const signed = parts.map((part) => base64url(text.encode(JSON.stringify(part)))).join('.')
    const signature = await crypto.subtle.sign(
      how as AlgorithmIdentifier,
      pair.privateKey,
      text.encode(signed),
    )
    return `${signed}.${base64url(new Uint8Array(signature))}`
  }

  const readBody = async (answer: Response): Promise<Uint8Array | undefined> => {
    const chunks: Uint8Array<ArrayBuffer>[] = []
    let size = 0
    for (const reader = answer.body?.getReader(); reader !== undefined;) {
      const { done, value } = await reader.read()
      if (done) break
      size += value.length
      if (size > request.longest) {
        await reader.cancel()
        return undefined
      }
      chunks.push(value)
    }
    return new Uint8Array(await new Blob(chunks).arrayBuffer())
  }

  let hasToken = false
  const ask = async (pair: CryptoKeyPair | undefined, nonce: string | null = null): Promise<Response> => {
    const headers = new Headers(request.headers.map(([name, value]): [string, string] => [name, value]))
    for (const rule of request.rules) {
      const value = headers.has(rule.header) ? undefined : readRule(rule)
      if (value !== undefined) headers.set(rule.header, rule.prefix + value)
    }
    const token = (headers.get('authorization') ?? '').replace(/^\S+ /, '')
    hasToken = token !== ''
    if (pair !== undefined) headers.set('DPoP', await proofOf(pair, token, nonce))
    const { url, method, body, redirect, credentials } = request
    const answer = await fetch(url, {
      ...{ method, headers, redirect, credentials },
      ...(body !== undefined && { body: fromBase64(body) }),
      signal: AbortSignal.timeout(request.timeout),
    })
    // Section 8 of RFC 9449: the server gives a nonce and wants to be asked again with it.
    const wanted = answer.headers.get('dpop-nonce')
    const isAsked = pair !== undefined && nonce === null && wanted !== null
    return isAsked && (answer.status === 401 || answer.status === 400) ? ask(pair, wanted) : answer
  }

  const run = async (): Promise<DocumentAnswer> => {
    // A database that is just being deleted or upgraded does not open: the request must not wait for it for ever.
    const late = new Promise<undefined>((resolve) => setTimeout(resolve, request.timeout / 4))
    const pair = request.isProven ? await Promise.race([findPair().catch(() => undefined), late]) : undefined
    const answer = await ask(pair)
    // The page's own fetch may have signed it. Without a token nobody is signed in, which a key would not change.
    if (request.isProven && pair === undefined && hasToken && answer.status === 401)
      return { failed: 'no-key' }
    const body = await readBody(answer)
    if (body === undefined) return { failed: 'too-big' }
    const { status, statusText, headers, url, redirected } = answer
    return { status, statusText, headers: [...headers], url, redirected, body: toBase64(body) }
  }
  const failure = (error: unknown): DocumentAnswer => {
    const { name } = error as Error
    return { failed: name === 'TimeoutError' || name === 'AbortError' ? 'timed-out' : 'refused' }
  }
  return JSON.stringify(await run().catch(failure))
}
