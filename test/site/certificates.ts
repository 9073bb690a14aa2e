import { createHash, webcrypto } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import * as x509 from '@peculiar/x509'

/**
 * The shop's own certificate authority. Every host name gets a leaf of its own at its first handshake, because
 * Node refuses a wildcard directly below a top-level name (`*.test`), and all leaves share one key, because
 * Chromium's `--ignore-certificate-errors-spki-list` trusts keys, not issuers.
 */
export interface Authority {
  /** PEM of the root, for clients that verify TLS. */
  readonly ca: string
  /** Base64 of the SHA-256 of the leaves' public key, for Chromium. */
  readonly spki: string
  /** PEM pair for connections without a server name (an IP address in the URL). */
  readonly fallback: { readonly key: string; readonly cert: string }
  /** TLS context for one host name, made once. */
  contextFor(host: string): Promise<SecureContext>
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const day = 86_400_000

/** `name`: two authorities that one client trusts need different ones. */
export async function createAuthority(name = 'The test shop root'): Promise<Authority> {
  const rootKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const leafKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const root = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${name}`,
      keys: rootKeys,
      ...validity(),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    },
    webcrypto as Crypto,
  )
  const key = await privateKeyPem(leafKeys.privateKey)
  const contexts = new Map<string, Promise<SecureContext>>()

  const issue = async (names: x509.JsonGeneralNames): Promise<string> => {
    const leaf = await x509.X509CertificateGenerator.create(
      {
        subject: 'CN=The test shop',
        issuer: root.subject,
        publicKey: leafKeys.publicKey,
        signingKey: rootKeys.privateKey,
        ...validity(),
        extensions: [
          new x509.SubjectAlternativeNameExtension(names),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        ],
      },
      webcrypto as Crypto,
    )
    return leaf.toString('pem')
  }

  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', leafKeys.publicKey))
  return {
    ca: root.toString('pem'),
    spki: createHash('sha256').update(spki).digest('base64'),
    fallback: {
      key,
      cert: await issue([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
    },
    contextFor(host) {
      const known = contexts.get(host)
      if (known !== undefined) return known
      const made = issue([{ type: 'dns', value: host }]).then((cert) => createSecureContext({ key, cert }))
      contexts.set(host, made)
      return made
    },
  }
}

function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 90 * day) }
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
}
