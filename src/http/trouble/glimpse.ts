import { decodeBody } from '../decode.ts'
import type { WireAnswer } from '../wire/wire.ts'
import { glimpse } from './suspicion.ts'

/** The beginning of an answer's body as text, decoded, as far as it comes within so many ms; nothing is taken away from the caller. */
export async function beginningOf({ headers, body }: WireAnswer, within: number): Promise<string> {
  const raw = await body.peek(glimpse, within)
  const decoded = await decodeBody(raw, headers, 4 * glimpse).catch(() => raw) // cut off in the middle
  return decoded.toString('utf8')
}
