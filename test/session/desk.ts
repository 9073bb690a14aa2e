import type { IncomingMessage } from 'node:http'
import type { Shop } from '../site/shop.ts'

/** A counter in the shop at which a session must stand alone: the server's own word on who uses an account when. */
export interface Desk {
  readonly inUrl: string
  readonly outUrl: string
  /** Uses that were begun and ended, in the order of their beginnings. */
  readonly uses: { readonly sid: string; readonly who: string }[]
  /** How often somebody came while another stood there. */
  readonly collisions: string[]
  /** Who stands there now, by session. */
  readonly standing: ReadonlyMap<string, string>
  /** Somebody was killed and will not say that he goes. */
  forget(who: string): void
}

let desks = 0

export function openDesk(shop: Shop): Desk {
  desks += 1
  const path = `/desk-${String(desks)}`
  const standing = new Map<string, string>()
  const uses: { sid: string; who: string }[] = []
  const collisions: string[] = []
  const facts = (req: IncomingMessage) => ({
    sid: /(?:^|; )sid=([^;]+)/.exec(req.headers.cookie ?? '')?.[1] ?? 'nobody',
    who: new URL(req.url ?? '/', 'http://desk').searchParams.get('who') ?? 'somebody',
  })
  shop.on('shop.test', `${path}/in`, (req, res) => {
    const { sid, who } = facts(req)
    const there = standing.get(sid)
    if (there !== undefined) collisions.push(`${who} came while ${there} stood there`)
    standing.set(sid, who)
    uses.push({ sid, who })
    res.end('in')
  })
  shop.on('shop.test', `${path}/out`, (req, res) => {
    const { sid, who } = facts(req)
    if (standing.get(sid) === who) standing.delete(sid)
    res.end('out')
  })
  return {
    ...{ uses, collisions, standing },
    inUrl: shop.url('shop.test', `${path}/in`),
    outUrl: shop.url('shop.test', `${path}/out`),
    forget(who) {
      for (const [sid, there] of standing) if (there === who) standing.delete(sid)
    },
  }
}
