import { promisify } from 'node:util'
import type { SnapshotDefect } from '../errors.ts'
import { SnapshotUnreadableError, StateInvalidError } from '../errors.ts'
import type { Snapshot } from './envelope.ts'
import { decryptCompact, encryptCompact, parseObject, splitCompact } from './jwe.ts'
import type { JweParts } from './jwe.ts'
import type { SealingKeys } from './keys.ts'
import { faultOfSnapshot } from './shape.ts'

/** Grows when an older version could no longer read what is written. Additional fields do not need it. */
const FORMAT = 1
/** Of the sealed text and of the JSON inside, in bytes. */
export const MAX_SNAPSHOT_BYTES = 64 * 1024 * 1024
/**
 * From here on the JSON is deflated: state with large storage shrinks to a fifth (200 kB: 41 kB in 0.6 ms), while a
 * small one would pay for loading zlib and still fill one disk block.
 */
const DEFLATE_FROM_BYTES = 16 * 1024

/**
 * Seals with the first key. Throws `StateInvalidError` for what `openSnapshot` would not take: a shape that is none,
 * or more than 64 MiB. The form is described in docs/snapshot-format.md.
 */
export async function sealSnapshot(snapshot: Snapshot, keys: SealingKeys): Promise<Uint8Array> {
  const json = Buffer.from(stringify(snapshot))
  if (json.length > MAX_SNAPSHOT_BYTES)
    throw new StateInvalidError(`${String(json.length)} bytes are more than a snapshot may hold (64 MiB)`)
  const packed = json.length >= DEFLATE_FROM_BYTES
  const [kid, key] = keys.sealing
  const header = {
    alg: 'dir',
    enc: 'A256GCM',
    kid,
    ...(packed && { zip: 'DEF' }),
    sb: FORMAT,
    epoch: snapshot.epoch,
    generation: snapshot.generation,
  }
  return Buffer.from(encryptCompact(header, packed ? await deflate(json) : json, key), 'latin1')
}

/**
 * Opens what `sealSnapshot` made. Throws `SnapshotUnreadableError` for everything else, with the defect: `wrong-key`
 * (none of the keys sealed it), `tampered` (a bit is not as it was sealed), `malformed` (no snapshot, or cut),
 * `wrong-name` (sealed for another session), `newer-format`.
 */
export async function openSnapshot(
  bytes: Uint8Array,
  options: { readonly name: string; readonly keys: SealingKeys },
): Promise<Snapshot> {
  const { name, keys } = options
  const parts = split(bytes, name)
  const { header } = parts
  const key = keys.byId(String(header['kid']))
  if (key === undefined) throw unreadable(name, 'wrong-key')
  const packed = decryptCompact(parts, key)
  if (packed === undefined) throw unreadable(name, 'tampered')
  const json = header['zip'] === 'DEF' ? await inflate(packed) : packed
  const snapshot = parseObject(json?.toString('utf8'))
  if (snapshot === undefined || faultOfSnapshot(snapshot) !== undefined) throw unreadable(name, 'malformed')
  if (snapshot['name'] !== name) throw unreadable(name, 'wrong-name')
  if (snapshot['epoch'] !== header['epoch'] || snapshot['generation'] !== header['generation'])
    throw unreadable(name, 'malformed')
  return snapshot as unknown as Snapshot
}

function split(bytes: Uint8Array, name: string): JweParts {
  if (bytes.length > MAX_SNAPSHOT_BYTES * 1.4) throw unreadable(name, 'malformed')
  const parts = splitCompact(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'))
  if (parts === undefined) throw unreadable(name, 'malformed')
  const { sb, alg, enc, zip, crit, kid } = parts.header
  // before all else: a newer format may use another cipher
  if (typeof sb === 'number' && Number.isSafeInteger(sb) && sb > FORMAT)
    throw unreadable(name, 'newer-format')
  const ours = sb === FORMAT && alg === 'dir' && enc === 'A256GCM' && typeof kid === 'string'
  if (!ours || crit !== undefined || (zip !== undefined && zip !== 'DEF')) throw unreadable(name, 'malformed')
  return parts
}

function stringify(snapshot: Snapshot): string {
  const fault = faultOfSnapshot(snapshot)
  if (fault !== undefined) throw new StateInvalidError(`${fault} is missing or of the wrong kind`)
  try {
    return JSON.stringify(snapshot) // lone surrogates become escapes, so they survive UTF-8
  } catch (error) {
    if (error instanceof RangeError) throw new StateInvalidError('it is nested too deeply or too big')
    throw new StateInvalidError('it holds something that is not JSON')
  }
}

async function deflate(json: Uint8Array): Promise<Buffer> {
  const zlib = await import('node:zlib')
  return promisify(zlib.deflateRaw)(json, { level: 1 })
}

/** `undefined` when it is not deflated, or grows over all bounds. */
async function inflate(packed: Uint8Array): Promise<Buffer | undefined> {
  const zlib = await import('node:zlib')
  try {
    return zlib.inflateRawSync(packed, { maxOutputLength: MAX_SNAPSHOT_BYTES })
  } catch {
    return undefined
  }
}

const HINTS: Readonly<Record<SnapshotDefect, string>> = {
  'wrong-key':
    'It was sealed with another key: pass the key that it was sealed with (several keys may be given, the first seals).',
  tampered: 'Its bytes were changed after sealing: restore it from a copy, or remove it and sign in again.',
  malformed: 'It is damaged or cut: restore it from a copy, or remove it and sign in again.',
  'wrong-name': 'It was sealed for another session: put it back under its own name, or remove it.',
  'newer-format': 'It was written by a newer version of sessionbridge (or is damaged): update sessionbridge.',
}

function unreadable(name: string, defect: SnapshotDefect): SnapshotUnreadableError {
  return new SnapshotUnreadableError(name, defect, HINTS[defect])
}
