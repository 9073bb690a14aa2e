import { inspect } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SnapshotDefect } from '../../src/errors.ts'
import { SnapshotUnreadableError, StateInvalidError } from '../../src/errors.ts'
import type { Snapshot } from '../../src/snapshot/envelope.ts'
import { encryptCompact } from '../../src/snapshot/jwe.ts'
import { generateKey, parseKeys } from '../../src/snapshot/keys.ts'
import { MAX_SNAPSHOT_BYTES, openSnapshot, sealSnapshot } from '../../src/snapshot/seal.ts'
import { bigSample, sample } from './sample.ts'

const keys = parseKeys(generateKey())
const { name } = sample

/** The defect that opening reports, or `opened`. Anything else that is thrown fails the test. */
async function defectOf(bytes: Uint8Array, as = name, by = keys): Promise<SnapshotDefect | 'opened'> {
  try {
    await openSnapshot(bytes, { name: as, keys: by })
    return 'opened'
  } catch (error) {
    if (error instanceof SnapshotUnreadableError) return error.defect
    throw error
  }
}

/** Seals what `sealSnapshot` would refuse to. */
function forge(json: string | Buffer, header: object = {}): Buffer {
  const [kid, key] = keys.sealing
  const full = { alg: 'dir', enc: 'A256GCM', kid, sb: 1, epoch: 3, generation: 17, ...header }
  return Buffer.from(encryptCompact(full, Buffer.from(json), key))
}

describe('what was sealed', () => {
  test('opens equal, small and deflated', async () => {
    for (const snapshot of [sample, bigSample(200_000)]) {
      const sealed = await sealSnapshot(snapshot, keys)
      expect(await openSnapshot(sealed, { name, keys })).toEqual(snapshot)
    }
  })

  test('keeps fields that this version does not know, at every level', async () => {
    const [cookie] = sample.state.cookies
    const future = {
      ...sample,
      later: { a: [1] },
      state: { ...sample.state, more: 1, cookies: [{ ...cookie, colour: 'red' }] },
      identity: { ...sample.identity, planet: { name: 'p1' } },
    }
    const sealed = await sealSnapshot(future as unknown as Snapshot, keys)
    expect(await openSnapshot(sealed, { name, keys })).toEqual(future)
  })

  test('keeps lone surrogates, control characters and every other text', async () => {
    let lone = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }), async (units) => {
        const value = String.fromCharCode(...units)
        if (/\p{Surrogate}/u.test(value)) lone++
        const localStorage = [{ name: value, value }]
        const snapshot = { ...sample, state: { cookies: [], origins: [{ origin: 'x', localStorage }] } }
        const opened = await openSnapshot(await sealSnapshot(snapshot, keys), { name, keys })
        expect(opened.state.origins[0]?.localStorage).toEqual(localStorage)
      }),
      { numRuns: 300, examples: [[[0xd800]], [[0xdc00, 0xd800]], [[0]], [[0x2028]]] },
    )
    expect(lone).toBeGreaterThan(0)
  })

  test('shows neither name nor value, and never the same bytes twice', async () => {
    const [one, two] = [await sealSnapshot(sample, keys), await sealSnapshot(sample, keys)]
    expect(Buffer.from(one).equals(two)).toBe(false)
    const [header = '', ...rest] = Buffer.from(one).toString().split('.')
    const shown = Buffer.from(header, 'base64url').toString() + rest.map(decode).join()
    for (const secret of ['shop', 'alice', 'canary', 'sid']) expect(shown).not.toContain(secret)
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      kid: keys.ids[0],
      sb: 1,
      epoch: 3,
      generation: 17,
    })
  })

  test('of 200 kB is smaller than its JSON', async () => {
    const snapshot = bigSample(200_000)
    expect((await sealSnapshot(snapshot, keys)).length).toBeLessThan(JSON.stringify(snapshot).length / 2)
  })
})

function decode(part: string): string {
  return Buffer.from(part, 'base64url').toString('latin1')
}

describe('what was damaged', () => {
  test('does not open with any single bit flipped', async () => {
    const sealed = await sealSnapshot(sample, keys)
    const counts = new Map<string, number>()
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const bytes = Uint8Array.from(sealed)
      const at = bit >> 3
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7))
      const defect = await defectOf(bytes)
      counts.set(defect, (counts.get(defect) ?? 0) + 1)
    }
    console.log(`single bits flipped: ${String(sealed.length * 8)}`, Object.fromEntries(counts))
    expect(counts.get('opened')).toBeUndefined()
    expect(counts.get('tampered')).toBeGreaterThan(1000)
    expect(await defectOf(sealed)).toBe('opened') // the control
  })

  test('does not open at any other length', async () => {
    const sealed = await sealSnapshot(sample, keys)
    for (let length = 0; length < sealed.length; length++)
      expect(await defectOf(sealed.subarray(0, length)), String(length)).not.toBe('opened')
    for (const more of ['A', '.', '\n', '\0', '=', ' '])
      expect(await defectOf(Buffer.concat([sealed, Buffer.from(more)])), more).not.toBe('opened')
  })

  test('does not open with a part of another snapshot in place of its own', async () => {
    const parts = Buffer.from(await sealSnapshot(sample, keys))
      .toString()
      .split('.')
    const other = Buffer.from(await sealSnapshot({ ...sample, epoch: 4 }, keys))
      .toString()
      .split('.')
    for (const at of [0, 2, 3, 4]) {
      const mixed = parts.map((part, index) => (index === at ? (other[index] ?? '') : part)).join('.')
      expect(await defectOf(Buffer.from(mixed))).toBe('tampered')
    }
  })

  test('does not open deflated with bits flipped or cut', async () => {
    const sealed = await sealSnapshot(bigSample(20_000), keys)
    for (let at = 0; at < sealed.length; at += 37) {
      const bytes = Uint8Array.from(sealed)
      bytes[at] = (bytes[at] ?? 0) ^ 4
      expect(await defectOf(bytes)).not.toBe('opened')
      expect(await defectOf(sealed.subarray(0, at))).not.toBe('opened')
    }
  })

  test('does not open when it is any other text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await defectOf(bytes)).toBe('malformed')
      }),
    )
    expect(await defectOf(Buffer.from(JSON.stringify(sample)))).toBe('malformed')
  })
})

describe('the defect', () => {
  test('is wrong-name for a snapshot that lies under the name of another session', async () => {
    const sealed = await sealSnapshot(sample, keys)
    for (const other of ['shop/bob', 'shop/alice ', 'Shop/alice', 'shop'])
      expect(await defectOf(sealed, other)).toBe('wrong-name')
  })

  test('is wrong-key for a key that did not seal it, and every key of several opens', async () => {
    const [old, fresh] = [generateKey(), generateKey()]
    const sealed = await sealSnapshot(sample, parseKeys(old))
    expect(await defectOf(sealed, name, parseKeys(fresh))).toBe('wrong-key')
    expect(await defectOf(sealed, name, parseKeys([fresh, old]))).toBe('opened')
    const resealed = await sealSnapshot(sample, parseKeys([fresh, old]))
    expect(await defectOf(resealed, name, parseKeys(fresh))).toBe('opened')
    expect(await defectOf(resealed, name, parseKeys(old))).toBe('wrong-key')
  })

  test('is newer-format for a later version, whatever cipher it uses', async () => {
    expect(await defectOf(forge(JSON.stringify(sample), { sb: 2 }))).toBe('newer-format')
    expect(await defectOf(forge(JSON.stringify(sample), { sb: 9, enc: 'A256CBC' }))).toBe('newer-format')
  })

  test('is malformed for headers that no version of ours writes', async () => {
    const json = JSON.stringify(sample)
    const wrong = [
      { alg: 'A256KW' },
      { enc: 'A128GCM' },
      { sb: '1' },
      { sb: 0 },
      { zip: 'GZ' },
      { crit: ['b64'] },
    ]
    for (const header of wrong)
      expect(await defectOf(forge(json, header)), JSON.stringify(header)).toBe('malformed')
    expect(await defectOf(forge(json, { epoch: 4 }))).toBe('malformed')
    expect(await defectOf(forge(json, { generation: 18 }))).toBe('malformed')
    expect(await defectOf(forge(json))).toBe('opened') // the control
  })

  test('is malformed for JSON that is no snapshot, for each field', async () => {
    const nameless = { ...sample, name: undefined } // JSON leaves it out
    const inherited = JSON.stringify(nameless).replace('{', `{"__proto__":{"name":"${name}"},`)
    const [cookie] = sample.state.cookies
    const wrong: unknown[] = [
      null,
      [],
      'x',
      {},
      nameless,
      { ...sample, epoch: '3' },
      { ...sample, epoch: -1 },
      { ...sample, generation: 1.5 },
      { ...sample, savedAt: null },
      { ...sample, headerRules: {} },
      { ...sample, headerRules: [{ ...sample.headerRules[0], source: { from: 'elsewhere' } }] },
      { ...sample, identity: { ...sample.identity, navigationHeaders: [['one']] } },
      { ...sample, probe: { ...sample.probe, alive: {} } },
      { ...sample, state: { cookies: {}, origins: [] } },
      { ...sample, state: { cookies: [{ ...cookie, value: 1 }], origins: [] } },
      { ...sample, state: { cookies: [{ ...cookie, expires: null }], origins: [] } },
      { ...sample, state: { cookies: [{ ...cookie, sameSite: 'lax' }], origins: [] } },
      { ...sample, state: { cookies: [], origins: [{ origin: 'x' }] } },
    ]
    for (const value of wrong) expect(await defectOf(forge(JSON.stringify(value)))).toBe('malformed')
    for (const text of ['', '{', inherited, `${JSON.stringify(sample)}x`])
      expect(await defectOf(forge(text))).toBe('malformed')
  })

  test('is malformed for a deflated bomb', async () => {
    const bomb = deflateRawSync(Buffer.alloc(MAX_SNAPSHOT_BYTES + 1, 32))
    expect(await defectOf(forge(bomb, { zip: 'DEF' }))).toBe('malformed')
    const packed = deflateRawSync(JSON.stringify(sample))
    expect(await defectOf(forge(packed, { zip: 'DEF' }))).toBe('opened') // the control
    expect(await defectOf(forge(JSON.stringify(sample), { zip: 'DEF' }))).toBe('malformed')
  })

  test('is said with what to do, and without key or content', async () => {
    const sealed = await sealSnapshot(sample, keys)
    const cases = [
      [sealed.subarray(0, 50), name],
      [sealed, 'shop/bob'],
      [forge('{"canary-1":', {}), name],
    ] as const
    for (const [bytes, as] of cases) {
      const error = await openSnapshot(bytes, { name: as, keys }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(SnapshotUnreadableError)
      expect(String(error)).toMatch(/remove it/)
      expect(inspect(error, { depth: 9 })).not.toContain('canary')
    }
  })
})

describe('sealing', () => {
  test('keeps a __proto__ key inside a record as data and touches no prototype', async () => {
    const json = JSON.stringify(sample).replace('"value":{"id":1}', '"value":{"__proto__":{"polluted":true}}')
    const opened = await openSnapshot(forge(json), { name, keys })
    expect(JSON.stringify(opened)).toBe(json)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('refuses what it could not open again', async () => {
    const [cookie] = sample.state.cookies
    const origin = { origin: 'x', localStorage: [{ name: 'canary', value: undefined }] }
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown
    const records = [{ value: deep }]
    const stores = [{ name: 's', autoIncrement: false, records, indexes: [] }]
    const database = { origin: 'x', localStorage: [], indexedDB: [{ name: 'd', version: 1, stores }] }
    const wrong = [
      { ...sample, epoch: Number.NaN },
      { ...sample, state: { cookies: [{ ...cookie, expires: Number.POSITIVE_INFINITY }], origins: [] } },
      { ...sample, state: { cookies: [], origins: [origin] } },
      { ...sample, state: { cookies: [], origins: [database] } },
      { ...sample, later: 1n },
    ]
    for (const snapshot of wrong) {
      const error = await sealSnapshot(snapshot as Snapshot, keys).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(StateInvalidError)
      expect(String(error)).not.toContain('canary')
    }
  })
})
