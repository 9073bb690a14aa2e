import { generateKeyPairSync, sign } from 'node:crypto'

/**
 * A certificate that nobody has signed but itself, made anew for each use: whoever accepts it verifies nothing. Node can read
 * certificates and not write them, so this is the least that X.509 (RFC 5280, 4.1) asks for.
 */
export function nobodysCertificate(): { readonly key: Buffer; readonly cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(tagged(0x06, Buffer.from('2a8648ce3d040302', 'hex'))) // ecdsa-with-SHA256
  const commonName = tagged(0x06, Buffer.from('550403', 'hex'))
  const name = sequence(tagged(0x31, sequence(commonName, tagged(0x0c, Buffer.from('nobody')))))
  const validity = sequence(time('200101000000Z'), time('491231235959Z'))
  const body = sequence(
    tagged(0xa0, integer(2)), // version 3
    integer(1),
    ...[algorithm, name, validity, name],
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = tagged(0x03, Buffer.from([0]), sign('sha256', body, privateKey))
  const text = sequence(body, algorithm, signature).toString('base64')
  const lines = text.match(/.{1,64}/g) ?? []
  return {
    key: Buffer.from(privateKey.export({ type: 'sec1', format: 'pem' })),
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'].join('\n'),
  }
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, ...parts)
const integer = (value: number): Buffer => tagged(0x02, Buffer.from([value]))
const time = (text: string): Buffer => tagged(0x17, Buffer.from(text))
