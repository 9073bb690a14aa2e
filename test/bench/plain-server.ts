import { createServer } from 'node:net'

/**
 * The least server that speaks HTTP/1.1 with keep-alive: one prepared answer of 4 KB to every request, so that a bench
 * measures its client and not its server. Below `/rotate` each answer also sets a
 * cookie; below `/orders/` are pages for those who bring the session's cookies. In a process of its own; prints its port and serves until it is killed.
 */
const body = JSON.stringify({
  orders: Array.from({ length: 60 }, (_, n) => ({ id: n, item: `thing number ${String(n)}`, price: n * 7 })),
})
const answerWith = (content: string, ...lines: string[]): Buffer =>
  Buffer.from(
    [
      'HTTP/1.1 200 OK',
      `Content-Length: ${String(Buffer.byteLength(content))}`,
      'Date: Mon, 09 Nov 2026 10:00:00 GMT',
      ...lines,
      'Connection: keep-alive',
      '',
      content,
    ].join('\r\n'),
  )
const json = 'Content-Type: application/json; charset=utf-8'
const answer = answerWith(body, json)
const rows = Array.from(
  { length: 60 },
  (_, n) => `<tr data-order="${String(n)}"><td>thing number ${String(n)}</td></tr>`,
)
const page = answerWith(
  `<!doctype html><title>Orders</title><table>${rows.join('')}</table>`,
  'Content-Type: text/html; charset=utf-8',
)
const refusal = Buffer.from('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
let rotations = 0

function answerTo(request: string): Buffer {
  if (request.startsWith('GET /rotate'))
    return answerWith(body, json, `Set-Cookie: cookie0=${String(++rotations)}; Path=/; HttpOnly`)
  if (!request.startsWith('GET /orders/')) return answer
  return /^cookie: .*cookie9=v/im.test(request) ? page : refusal
}

const server = createServer((socket) => {
  let tail = ''
  socket.setNoDelay()
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    tail += chunk.toString('latin1')
    for (let end: number; (end = tail.indexOf('\r\n\r\n')) !== -1; tail = tail.slice(end + 4))
      socket.write(answerTo(tail.slice(0, end + 2)))
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${String(typeof address === 'object' ? address?.port : address)}\n`)
})
