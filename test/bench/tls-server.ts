import { createSecureServer } from 'node:http2'
import { createAuthority } from '../site/certificates.ts'

/**
 * Node's own server for HTTP/2 and HTTP/1.1 over TLS, with one answer of 4 KB to everything. In a process of its own; prints
 * its port and the certificate that signs its own, and serves until it is killed.
 */
const orders = Array.from({ length: 60 }, (_, n) => ({
  id: n,
  item: `thing number ${String(n)}`,
  price: n * 7,
}))
const body = JSON.stringify({ orders })
const { ca, fallback } = await createAuthority()
const server = createSecureServer({ ...fallback, allowHTTP1: true }, (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  process.stdout.write(`${JSON.stringify({ port, ca })}\n`)
})
