import { StoreFailedError } from '../../errors.ts'
import { canScript, type Place } from '../redis/client.ts'
import { Connection } from '../redis/connection.ts'
import { inTime } from '../redis/deadline.ts'
import { storeFailed, TroubleError, wordOf } from '../redis/failure.ts'
import { script, type Script } from '../redis/scripts.ts'
import { newestOfEach, type KeptLetter, type Letters, type SealedLetter } from './contract.ts'

/** Entries per step of a reading. */
const step = 500

/** KEYS stream; ARGV most letters, then id, tries, sealed of each. Full: nothing is added, rather than the oldest dropped. */
const ADD = script(`
if redis.call('XLEN', KEYS[1]) + (#ARGV - 1) / 3 > tonumber(ARGV[1]) then return 0 end
for at = 2, #ARGV, 3 do
  redis.call('XADD', KEYS[1], '*', 'id', ARGV[at], 'tries', ARGV[at + 1], 'sealed', ARGV[at + 2])
end
return 1`)

/** KEYS stream; ARGV where to begin, how many. */
const READ = script(`return redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])`)

/**
 * KEYS stream; ARGV id, tries, sealed of the next version ('' for none), then the places that go. Of a letter that somebody
 * has taken away meanwhile there is no next version; nor when this is sent again because its answer was lost.
 */
const SETTLE = script(`
local there = 0
for at = 4, #ARGV do there = there + #redis.call('XRANGE', KEYS[1], ARGV[at], ARGV[at]) end
if ARGV[3] ~= '' and there > 0 then
  redis.call('XADD', KEYS[1], '*', 'id', ARGV[1], 'tries', ARGV[2], 'sealed', ARGV[3])
end
return redis.call('XDEL', KEYS[1], unpack(ARGV, 4))`)

/** A stream, so that other programs can follow it; what is in it is sealed. */
export class RedisLetters implements Letters {
  readonly #connection: Connection
  readonly #stream: string
  readonly #timeout: number
  readonly #limit: number

  constructor(place: Place, options: { stream: string; timeout: number; limit: number }) {
    this.#connection = new Connection(place, options.timeout)
    this.#stream = options.stream
    this.#timeout = options.timeout
    this.#limit = options.limit
  }

  async add(letters: readonly SealedLetter[]): Promise<void> {
    const fields = letters.flatMap(({ id, tries, sealed }) => [id, String(tries), sealed])
    const added = await this.#run('keep a dead letter', ADD, [String(this.#limit), ...fields])
    if (Number(added) === 1) return
    const why = `there are ${String(this.#limit)} in the stream already. Retry them, or allow more.`
    throw new StoreFailedError('keep a dead letter', why)
  }

  async read(): Promise<{ letters: KeptLetter[]; damaged: number }> {
    const found: KeptLetter[] = []
    let damaged = 0
    for (let from = '-'; ;) {
      const entries = await this.#run('read the dead letters', READ, [from, String(step)])
      const some = Array.isArray(entries) ? (entries as [Buffer, Buffer[]][]) : []
      for (const [place, fields] of some) {
        const letter = letterOf(String(place), fields.map(String))
        if (letter === undefined) damaged += 1
        else found.push(letter)
      }
      const last = some.at(-1)
      if (last === undefined || some.length < step) return { letters: newestOfEach(found), damaged }
      from = `(${String(last[0])}`
    }
  }

  async settle({ places }: KeptLetter, again?: SealedLetter): Promise<void> {
    const next = again === undefined ? ['', '', ''] : [again.id, String(again.tries), again.sealed]
    await this.#run('settle a dead letter', SETTLE, [...next, ...places])
  }

  close(): Promise<void> {
    this.#connection.close()
    return Promise.resolve()
  }

  async #run(operation: string, { sha, text }: Script, args: readonly string[]): Promise<unknown> {
    try {
      await this.#connection.made()
      const until = performance.now() + this.#timeout
      const client = await this.#connection.client(until)
      if (!canScript(client)) throw new TroubleError('not-ioredis')
      const answer = client.evalshaBuffer(sha, 1, this.#stream, ...args).catch((error: unknown) => {
        if (wordOf(error) !== 'NOSCRIPT') throw error
        return client.evalBuffer(text, 1, this.#stream, ...args)
      })
      return await inTime(answer, until)
    } catch (error) {
      throw storeFailed(operation, error)
    }
  }
}

function letterOf(place: string, fields: readonly string[]): KeptLetter | undefined {
  const at = (name: string): string | undefined => {
    for (let n = 0; n < fields.length; n += 2) if (fields[n] === name) return fields[n + 1]
    return undefined
  }
  const [id, tries, sealed] = [at('id'), Number(at('tries')), at('sealed')]
  if (id === undefined || sealed === undefined || !Number.isInteger(tries)) return undefined
  return { id, tries, sealed, places: [place] }
}
