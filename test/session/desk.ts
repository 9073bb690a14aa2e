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
  /** Begun while somebody else stood there with another session. */
  readonly meetings: number
  /** Somebody was killed and will not say that he goes. */
  forget(who: string): void
}

let desks = 0

/**
 * With `together`, a use begins only while another than its user stands there too, or after the other has begun so many:
 * that they meet must not be left to the machine's load.
 */
export function openDesk(shop: Shop, { together = 0 } = {}): Desk {
  desks += 1
  const path = `/desk-${String(desks)}`
  const standing = new Map<string, string>()
  const uses: { sid: string; who: string }[] = []
  const collisions: string[] = []
  const waiting = new Map<string, { who: string; go: () => void }>()
  let meetings = 0
  const others = (who: string) => [...standing.values()].filter((one) => one !== who).length
  const begun = (who: string) => uses.filter((use) => use.who !== who).length
  const letIn = (): void => {
    for (const [sid, { who, go }] of waiting) {
      if (others(who) === 0 && begun(who) < together) continue
      if (others(who) > 0) meetings += 1
      waiting.delete(sid)
      go()
    }
  }
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
    waiting.set(sid, { who, go: () => res.end('in') })
    letIn()
  })
  shop.on('shop.test', `${path}/out`, (req, res) => {
    const { sid, who } = facts(req)
    if (standing.get(sid) === who) standing.delete(sid)
    res.end('out')
  })
  return {
    ...{ uses, collisions, standing },
    get meetings() {
      return meetings
    },
    inUrl: shop.url('shop.test', `${path}/in`),
    outUrl: shop.url('shop.test', `${path}/out`),
    forget(who) {
      for (const [sid, there] of standing) if (there === who) standing.delete(sid)
    },
  }
}
