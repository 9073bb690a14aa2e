import { connect } from 'node:net'

/**
 * Sends one command to a Redis and gives its answer, without ioredis: so the tests look at what is there with other eyes
 * than the store's. Understands RESP2; an error answer is thrown.
 */
export async function command(port: number, words: readonly string[], password?: string): Promise<unknown> {
  const socket = connect(port, '127.0.0.1')
  try {
    const login = password === undefined ? [] : [['AUTH', password]]
    const commands = [...login, words]
    socket.write(commands.map(encode).join(''))
    let received = Buffer.alloc(0)
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      const answers = decodeAll(received)
      const last = answers[commands.length - 1]
      if (last === undefined) continue
      if (last.value instanceof Error) throw last.value
      return last.value
    }
    throw new Error('Redis closed the connection')
  } finally {
    socket.destroy()
  }
}

function encode(words: readonly string[]): string {
  return `*${String(words.length)}\r\n${words.map((word) => `$${String(Buffer.byteLength(word))}\r\n${word}\r\n`).join('')}`
}

interface Decoded {
  readonly value: unknown
  readonly end: number
}

function decodeAll(bytes: Buffer): Decoded[] {
  const answers: Decoded[] = []
  for (let at = 0; at < bytes.length;) {
    const answer = decode(bytes, at)
    if (answer === undefined) break
    answers.push(answer)
    at = answer.end
  }
  return answers
}

/** undefined when it is not there completely. Bulk strings as latin1: every byte is a character. */
function decode(bytes: Buffer, at: number): Decoded | undefined {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const line = bytes.toString('latin1', at + 1, lineEnd)
  const end = lineEnd + 2
  switch (bytes.toString('latin1', at, at + 1)) {
    case ':':
      return { value: Number(line), end }
    case '-':
      return { value: new Error(line), end }
    case '$': {
      const length = Number(line)
      if (length < 0) return { value: undefined, end }
      if (bytes.length < end + length + 2) return undefined
      return { value: bytes.toString('latin1', end, end + length), end: end + length + 2 }
    }
    case '*': {
      const values: unknown[] = []
      let next = end
      for (let count = 0; count < Number(line); count++) {
        const item = decode(bytes, next)
        if (item === undefined) return undefined
        values.push(item.value)
        next = item.end
      }
      return { value: values, end: next }
    }
    default:
      return { value: line, end }
  }
}
