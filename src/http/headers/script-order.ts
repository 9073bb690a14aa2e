/**
 * The order in which Chromium sends the headers of a script's request. Blink keeps them in a hash table (HTTPHeaderMap: its
 * keys folded to lower case, hashed by rapidhash over UTF-16, open addressing from 8 places on, doubled when half full)
 * and sends them as they lie there. Nothing in it is random, so that the same headers always come in the same order, and
 * another order is not Chromium. Held against the wire by test/http/like-chromium.test.ts.
 */

/** `names`: lower case, in the order in which Blink puts them in, each once. Gives them in the order of the wire. */
export function scriptOrder(names: readonly string[]): readonly string[] {
  const key = names.join()
  let order = known.get(key)
  if (order === undefined) {
    if (known.size >= 500) known.clear() // a caller who makes up names must not fill the memory
    known.set(key, (order = tableOrder(names)))
  }
  return order
}

const known = new Map<string, readonly string[]>()

type Place = string | undefined

function tableOrder(names: readonly string[]): readonly string[] {
  let table = new Array<Place>(8).fill(undefined)
  let count = 0
  for (const name of names) {
    put(table, name)
    count += 1
    if (count * 2 >= table.length) table = doubled(table)
  }
  return table.filter((name) => name !== undefined)
}

function put(table: Place[], name: string): void {
  const mask = table.length - 1
  let at = hashOf(name) & mask
  for (let step = 1; table[at] !== undefined; step++) at = (at + step) & mask
  table[at] = name
}

function doubled(table: readonly Place[]): Place[] {
  const larger = new Array<Place>(table.length * 2).fill(undefined)
  for (const name of table) if (name !== undefined) put(larger, name)
  return larger
}

const hashes = new Map<string, number>()

/** The lower bits are all that a table of this size looks at. */
function hashOf(name: string): number {
  let hash = hashes.get(name)
  if (hash === undefined) {
    if (hashes.size >= 500) hashes.clear()
    hashes.set(name, (hash = Number(rapidHash(Buffer.from(name, 'utf16le')) & 0xff_ffffn)))
  }
  return hash
}

const seed = 0xbdd89aa982704029n
const [first, second, third] = [0x2d358dccaa6c78a5n, 0x8bb84b93962eacc9n, 0x4b33a62ed433d4a3n]
const low = 0xffff_ffff_ffff_ffffn

/** rapidhash (Nicolas De Carli, public algorithm), first version, for an even number of bytes. */
function rapidHash(bytes: Buffer): bigint {
  const length = BigInt(bytes.length)
  const begun = seed ^ mixed(seed ^ first, second) ^ length
  const [a, b, state] = bytes.length <= 16 ? shortEnds(bytes, begun) : longEnds(bytes, begun)
  const product = (a ^ second) * (b ^ state)
  return mixed((product & low) ^ first ^ length, (product >> 64n) ^ second)
}

function mixed(a: bigint, b: bigint): bigint {
  const product = a * b
  return (product & low) ^ (product >> 64n)
}

type Ends = readonly [a: bigint, b: bigint, state: bigint]

function shortEnds(bytes: Buffer, state: bigint): Ends {
  const { length } = bytes
  if (length < 4) return [length === 0 ? 0n : BigInt(bytes.readUInt16LE(0)), 0n, state]
  const half = (at: number): bigint => BigInt(bytes.readUInt32LE(at))
  const last = length - 4
  const step = length >= 8 ? 4 : 0
  return [(half(0) << 32n) | half(last), (half(step) << 32n) | half(last - step), state]
}

function longEnds(bytes: Buffer, begun: bigint): Ends {
  const word = (at: number): bigint => bytes.readBigUInt64LE(at)
  let state = begun
  let at = 0
  let left = bytes.length
  if (left > 48) {
    let [state1, state2] = [state, state]
    for (; left >= 48; at += 48, left -= 48) {
      state = mixed(word(at) ^ first, word(at + 8) ^ state)
      state1 = mixed(word(at + 16) ^ second, word(at + 24) ^ state1)
      state2 = mixed(word(at + 32) ^ third, word(at + 40) ^ state2)
    }
    state ^= state1 ^ state2
  }
  if (left > 16) state = mixed(word(at) ^ third, word(at + 8) ^ state ^ second)
  if (left > 32) state = mixed(word(at + 16) ^ third, word(at + 24) ^ state)
  return [word(at + left - 16), word(at + left - 8), state]
}
