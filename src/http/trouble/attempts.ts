import type { Carrier } from '../carrier.ts'
import type { Course } from './course.ts'
import type { Deadline } from '../deadline.ts'
import type { Exchange, Exchanged, ExchangeRequest } from '../exchange.ts'
import { isSuspicious } from './suspicion.ts'

/**
 * One request, sent as often as it takes and is allowed: again after a renewal, after a failure that passes, when an origin
 * that said "later" may be asked. What is decided there is in `Course`, which is loaded by the first trouble.
 */
export function createAttempts(carrier: Carrier, once: Exchange): Exchange {
  const { traffic } = carrier

  return async (request, deadline) => {
    const limits = traffic?.options.perOrigin
    if (limits !== undefined && traffic !== undefined)
      deadline.atEnd(await traffic.place(limits, request.url, deadline))
    let course: Course | undefined
    for (;;) {
      let exchanged: Exchanged
      try {
        exchanged = await once(request, deadline)
      } catch (error) {
        if (traffic === undefined) throw error
        course ??= await startCourse(request, deadline)
        await course.afterFailure(error)
        continue
      }
      if (!isSuspicious(carrier, exchanged)) return exchanged
      course ??= await startCourse(request, deadline)
      const settled = await course.afterAnswer(exchanged)
      if (settled !== undefined) return settled
    }
  }

  async function startCourse(request: ExchangeRequest, deadline: Deadline): Promise<Course> {
    const { Course: Class } = await import('./course.ts')
    return new Class(carrier, request, deadline)
  }
}
