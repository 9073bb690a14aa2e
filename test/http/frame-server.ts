import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { Authority } from '../site/certificates.ts'

export const frameTypes = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
} as const

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** One client of the frame server. */
export class Peer {
  readonly frames: Frame[] = []
  readonly socket: TLSSocket
  constructor(socket: TLSSocket) {
    this.socket = socket
  }

  send(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): void {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head[3] = type
    head[4] = flags
    head.writeUInt32BE(stream, 5)
    this.socket.write(Buffer.concat([head, payload]))
  }

  /** Status 200; `length`: announced, by a literal header line without an index. */
  head(stream: number, { end = false, length }: { end?: boolean; length?: number } = {}): void {
    const announced =
      length === undefined ? [] : [0x0f, 0x0d, String(length).length, ...Buffer.from(String(length))]
    this.send(frameTypes.headers, end ? 5 : 4, stream, Buffer.from([0x88, ...announced]))
  }

  data(stream: number, text: string, end = true): void {
    this.send(frameTypes.data, end ? 1 : 0, stream, Buffer.from(text))
  }

  reset(stream: number, code: number): void {
    this.send(frameTypes.reset, 0, stream, word(code))
  }

  goaway(lastStream: number, code: number): void {
    this.send(frameTypes.goaway, 0, 0, Buffer.concat([word(lastStream), word(code)]))
  }

  of(type: number): Frame[] {
    return this.frames.filter((frame) => frame.type === type)
  }
}

export interface FrameServer {
  readonly port: number
  readonly peers: readonly Peer[]
  /** Called for each frame of each client; SETTINGS are answered already. */
  on: (peer: Peer, frame: Frame, peerNumber: number) => void
  close(): Promise<void>
}

/** A server that speaks HTTP/2 frame by frame: for what no whole server does on purpose. */
export async function startFrameServer(authority: Authority): Promise<FrameServer> {
  const peers: Peer[] = []
  const server = createServer({
    ...authority.fallback,
    ALPNProtocols: ['h2'],
    SNICallback: (host, done) => {
      authority.contextFor(host).then((context) => {
        done(null, context)
      }, done)
    },
  })
  const running: FrameServer = {
    get port() {
      return (server.address() as AddressInfo).port
    },
    peers,
    on: () => undefined,
    async close() {
      for (const { socket } of peers) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  server.on('tlsClientError', () => undefined)
  server.on('secureConnection', (socket) => {
    const peer = new Peer(socket)
    const number = peers.push(peer) - 1
    socket.on('error', () => undefined)
    peer.send(frameTypes.settings, 0, 0)
    let bytes: Buffer = Buffer.alloc(0)
    let prefaced = false
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      if (!prefaced && bytes.length >= 24) {
        prefaced = true
        bytes = bytes.subarray(24)
      }
      while (prefaced && bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
        const end = 9 + bytes.readUIntBE(0, 3)
        const frame: Frame = {
          type: bytes.readUInt8(3),
          flags: bytes.readUInt8(4),
          stream: bytes.readUInt32BE(5),
          payload: bytes.subarray(9, end),
        }
        bytes = bytes.subarray(end)
        peer.frames.push(frame)
        if (frame.type === frameTypes.settings && frame.flags === 0) peer.send(frameTypes.settings, 1, 0)
        running.on(peer, frame, number)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return running
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
