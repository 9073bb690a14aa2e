import { createSecretKey, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CompactEncrypt, compactDecrypt } from 'jose'
import { describe, expect, test } from 'vitest'
import { decryptCompact, encryptCompact, splitCompact } from '../../src/snapshot/jwe.ts'
import { generateKey, parseKeys } from '../../src/snapshot/keys.ts'
import { openSnapshot, sealSnapshot } from '../../src/snapshot/seal.ts'
import { bigSample, sample } from './sample.ts'

const { name } = sample
const text = generateKey()
const keys = parseKeys(text)
const raw = Buffer.from(text.slice('sbk1_'.length), 'base64url')

describe('our JWE', () => {
  test('is opened by jose with the key alone, plain and deflated', async () => {
    for (const snapshot of [sample, bigSample(200_000)]) {
      const sealed = await sealSnapshot(snapshot, keys)
      const { plaintext, protectedHeader } = await compactDecrypt(sealed, raw)
      expect(JSON.parse(Buffer.from(plaintext).toString())).toEqual(snapshot)
      expect(protectedHeader['sb']).toBe(1)
    }
  })

  test('is what jose makes, too: a snapshot sealed by jose opens', async () => {
    const plaintext = Buffer.from(JSON.stringify(sample))
    const header = { alg: 'dir', enc: 'A256GCM', kid: keys.ids[0] ?? '', sb: 1, epoch: 3, generation: 17 }
    for (const extra of [{}, { zip: 'DEF' }]) {
      const sealed = await new CompactEncrypt(plaintext)
        .setProtectedHeader({ ...header, ...extra })
        .encrypt(raw)
      expect(await openSnapshot(Buffer.from(sealed), { name, keys })).toEqual(sample)
    }
  })

  test('agrees with jose in both directions for every length up to 100 bytes', async () => {
    const key = createSecretKey(raw)
    for (let length = 0; length <= 100; length++) {
      const plaintext = randomBytes(length)
      const header = { alg: 'dir', enc: 'A256GCM' }
      const ours = await compactDecrypt(encryptCompact(header, plaintext, key), raw)
      expect(Buffer.from(ours.plaintext).equals(plaintext)).toBe(true)
      const theirs = splitCompact(await new CompactEncrypt(plaintext).setProtectedHeader(header).encrypt(raw))
      expect(theirs && decryptCompact(theirs, key)?.equals(plaintext)).toBe(true)
    }
  })

  test('is read in one spelling only, where jose takes several', async () => {
    const key = createSecretKey(raw)
    const jwe = encryptCompact({ alg: 'dir', enc: 'A256GCM' }, Buffer.from('x'), key)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const twin = jwe.slice(0, -1) + alphabet.charAt(alphabet.indexOf(jwe.slice(-1)) ^ 1)
    expect(splitCompact(jwe)).toBeDefined()
    expect(splitCompact(twin)).toBeUndefined()
    expect(Buffer.from((await compactDecrypt(twin, raw)).plaintext).toString()).toBe('x')
  })
})

describe('a snapshot of the first released format', () => {
  const vector = JSON.parse(
    readFileSync(new URL('../vectors/snapshot-v1.json', import.meta.url), 'utf8'),
  ) as Record<
    'plain' | 'deflated',
    { key: string; kid: string; name: string; sealed: string; snapshot: unknown }
  >

  test.each(['plain', 'deflated'] as const)('opens for ever: %s', async (kind) => {
    const { key, kid, name: its, sealed, snapshot } = vector[kind]
    const theirs = parseKeys(key)
    expect(theirs.ids).toEqual([kid])
    expect(await openSnapshot(Buffer.from(sealed), { name: its, keys: theirs })).toEqual(snapshot)
  })
})
