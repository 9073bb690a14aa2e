import { createServer } from 'node:net'

/**
 * The least server that speaks HTTP/1.1 with keep-alive: one prepared answer of 4 KB to every request, so that a bench
 * measures its client and not its server. In a process of its own; prints its port and serves until it is killed.
 */
const body = JSON.stringify({
  orders: Array.from({ length: 60 }, (_, n) => ({ id: n, item: `thing number ${String(n)}`, price: n * 7 })),
})
const answer = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    'Date: Mon, 09 Nov 2026 10:00:00 GMT',
    'Connection: keep-alive',
    '',
    body,
  ].join('\r\n'),
)

const server = createServer((socket) => {
  let tail = ''
  socket.setNoDelay()
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    tail += chunk.toString('latin1')
    for (let end: number; (end = tail.indexOf('\r\n\r\n')) !== -1; tail = tail.slice(end + 4))
      socket.write(answer)
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${String(typeof address === 'object' ? address?.port : address)}\n`)
})
