import type PQueue from 'p-queue'
import { TimedOutError } from '../../errors.ts'
import type { Deadline } from '../deadline.ts'
import type { PerOriginLimits } from '../options.ts'
import { QueueFullError } from './traffic-errors.ts'

const defaultQueue = 10_000
const defaultPatience = 300_000

/** At most so many requests to an origin at a time, and so many a second; the others wait in line. */
export class Places {
  readonly #limits: PerOriginLimits
  readonly #lines = new Map<string, Promise<PQueue>>()

  constructor(limits: PerOriginLimits) {
    this.#limits = limits
  }

  /** Resolves with what gives the place back; rejects when the line is too long, takes too long, or is left. */
  async take(origin: string, deadline: Deadline): Promise<() => void> {
    let opening = this.#lines.get(origin)
    if (opening === undefined) this.#lines.set(origin, (opening = openLine(this.#limits)))
    const line = await opening
    const { queue = defaultQueue, patience = defaultPatience } = this.#limits
    if (line.size >= queue) throw new QueueFullError(origin, queue)
    const leave = new AbortController()
    let giveBack: () => void = () => undefined
    const turn = new Promise<void>((taken, left) => {
      const held = (): Promise<void> => {
        taken()
        return new Promise((done) => (giveBack = done))
      }
      line.add(held, { signal: leave.signal }).catch(left)
    })
    try {
      await deadline.waitFor(
        turn,
        patience,
        () => new TimedOutError(`Waiting in line for ${origin}`, patience),
      )
    } catch (error) {
      leave.abort(error)
      giveBack()
      throw error
    }
    return () => {
      giveBack()
    }
  }
}

/** p-queue keeps the line; loaded by the first session that has limits. */
async function openLine({ concurrency, perSecond }: PerOriginLimits): Promise<PQueue> {
  const { default: Queue } = await import('p-queue')
  return new Queue({
    ...(concurrency !== undefined && { concurrency }),
    // One at a time at even distances: a whole second's worth at once is what limits on the other side trip over.
    ...(perSecond !== undefined && { intervalCap: 1, interval: 1_000 / perSecond }),
  })
}
