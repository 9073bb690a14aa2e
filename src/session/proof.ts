import type { Carrier } from '../http/carrier.ts'
import type { HttpOptions } from '../http/client.ts'
import { hasEnded } from '../login/auth/kept.ts'
import { checkProbe, type Liveness } from '../login/probe.ts'
import type { Snapshot, Standing } from '../snapshot/envelope.ts'
import type { CellChange } from '../state/cell.ts'
import { cookieKey, type SessionState } from '../state/state.ts'

/** What is proven needs no other proof so soon: servers that change a cookie with each answer are asked once a second. */
const spacing = 1_000
/** Changes of these makers were proven by whoever made them. */
const trusted: ReadonlySet<string> = new Set(['renewal', 'store', 'probe'])

/**
 * Knows whether the server still takes the session, as far as that matters for saving it: a logged-out state never
 * overwrites a logged-in one. A change that a logout could have made (something that was there when last proven is
 * gone or has another value) makes the session doubtful, and a doubtful one is asked for before it is saved.
 */
export class Proof {
  readonly #carrier: Carrier
  readonly #http: HttpOptions | undefined
  #facts: Pick<Snapshot, 'probe' | 'verifiedAt'>
  #proven: SessionState
  /** Of what was there when last proven; made when first needed. */
  #keys: ReadonlySet<string> | undefined
  #doubts = 0
  #asked = -Infinity
  #asking: { readonly epoch: number; readonly answer: Promise<Liveness> } | undefined

  constructor(carrier: Carrier, snapshot: Snapshot, http: HttpOptions | undefined) {
    this.#carrier = carrier
    this.#http = http
    this.#facts = snapshot
    this.#proven = snapshot.lastVerified ?? snapshot.state
    if (snapshot.standing === 'suspect') this.#doubts = 1
  }

  /** Unix ms of the last proof; `undefined` while there is doubt. */
  get verifiedAt(): number | undefined {
    return this.#doubts === 0 ? this.#facts.verifiedAt : undefined
  }

  /** The state when it was last proven. */
  get lastVerified(): SessionState {
    return this.#proven
  }

  /** Takes over what a renewal has proven. */
  renewed(snapshot: Snapshot): void {
    this.#facts = snapshot
    this.#settle(snapshot.state)
  }

  observe({ by, diff }: CellChange): void {
    if (trusted.has(by)) return
    const keys = (this.#keys ??= keysOf(this.#proven))
    const touched =
      diff.removedOrigins.length > 0 ||
      diff.removed.some((cookie) => keys.has(cookieKey(cookie))) ||
      diff.set.some((cookie) => keys.has(cookieKey(cookie))) ||
      diff.origins.some(({ origin }) => keys.has(origin))
    if (touched) this.#doubts += 1
  }

  /**
   * Asks the server again after an answer that looked dead. A question that was under way when that answer came may have
   * been answered before the session died: its "alive" says nothing, and one that is asked after it counts.
   */
  async askAfter(): Promise<Liveness> {
    const underWay = this.#asking
    if (underWay?.epoch !== this.#carrier.cell.epoch) return this.ask()
    const answer = await underWay.answer
    return answer === 'alive' ? this.ask() : answer
  }

  /** Asks the server, once for all who ask at the same time. */
  async ask(): Promise<Liveness> {
    const { probe } = this.#facts
    // Nobody can be asked; but what a recipe has given a time to is over when that is.
    if (probe === undefined) return hasEnded(this.#carrier) ? 'dead' : 'unclear'
    const { epoch } = this.#carrier.cell
    if (this.#asking?.epoch !== epoch) {
      const answer = this.#askNow(probe).finally(() => {
        if (this.#asking?.answer === answer) this.#asking = undefined
      })
      this.#asking = { epoch, answer }
    }
    return this.#asking.answer
  }

  /** How the session stands, for writing it down; asks the server if that is needed and was not done just now. */
  async standing({ patient = false } = {}): Promise<Standing> {
    if (this.#doubts === 0) return this.#facts.verifiedAt === undefined ? 'candidate' : 'verified'
    if (this.#facts.probe === undefined) return 'suspect'
    if (!patient && performance.now() - this.#asked < spacing) return 'suspect'
    const answer = await this.ask()
    if (answer === 'dead') return 'dead'
    return this.verifiedAt === undefined ? 'suspect' : 'verified'
  }

  #settle(state: SessionState): void {
    this.#doubts = 0
    this.#proven = state
    this.#keys = undefined
  }

  async #askNow(probe: NonNullable<Snapshot['probe']>): Promise<Liveness> {
    const { cell } = this.#carrier
    const { epoch } = cell
    const doubts = this.#doubts
    this.#asked = performance.now()
    const answer = await checkProbe(probe, this.#carrier, this.#http)
    if (answer === 'alive' && cell.epoch === epoch) {
      this.#facts = { ...this.#facts, verifiedAt: Date.now() }
      // What changed while the answer was on its way is not proven by it.
      if (this.#doubts === doubts) this.#settle(cell.state)
    }
    return answer
  }
}

function keysOf(state: SessionState): ReadonlySet<string> {
  return new Set([...state.cookies.map(cookieKey), ...state.origins.map(({ origin }) => origin)])
}
