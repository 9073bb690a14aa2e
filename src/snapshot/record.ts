import { SnapshotUnreadableError } from '../errors.ts'
import { decryptCompact, encryptCompact, parseObject, splitCompact } from './jwe.ts'
import type { SealingKeys } from './keys.ts'

/** Grows when an older version could no longer read what is written. */
const FORMAT = 1

/**
 * Seals what stands beside a snapshot (the ledger of a session), bound to its name and kind like the snapshot itself:
 * moved to another place it does not open.
 */
export function sealRecord(kind: string, name: string, value: object, keys: SealingKeys): Uint8Array {
  return Buffer.from(seal(kind, { name, value }, keys), 'latin1')
}

/** Throws `SnapshotUnreadableError` for everything that `sealRecord` has not made for this kind and name. */
export function openRecord(kind: string, name: string, bytes: Uint8Array, keys: SealingKeys): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const parts = splitCompact(text)
  if (parts?.header['kind'] !== kind)
    throw unreadable(name, 'malformed', 'It is damaged: remove the session with "sessionbridge remove".')
  const key = keys.byId(String(parts.header['kid']))
  if (key === undefined) throw unreadable(name, 'wrong-key', 'Pass the key that it was sealed with, too.')
  const content = parseObject(decryptCompact(parts, key)?.toString('utf8'))
  if (content === undefined) throw unreadable(name, 'tampered', 'Its bytes were changed after sealing.')
  if (content['name'] !== name) throw unreadable(name, 'wrong-name', 'It belongs to another session.')
  return content['value']
}

/** A session's name for a store that keeps none in clear. Another text each time, so equal names do not show. */
export function sealName(name: string, keys: SealingKeys): string {
  return seal('name', { name }, keys)
}

/** What a store lists: a name in clear is given back as it is; a sealed one is opened, `undefined` without its key. */
export function openName(listed: string, keys: SealingKeys): string | undefined {
  const parts = splitCompact(listed)
  if (parts?.header['kind'] !== 'name') return listed
  const key = keys.byId(String(parts.header['kid']))
  const content = key && parseObject(decryptCompact(parts, key)?.toString('utf8'))
  return typeof content?.['name'] === 'string' ? content['name'] : undefined
}

function seal(kind: string, content: object, keys: SealingKeys): string {
  const [kid, key] = keys.sealing
  const header = { alg: 'dir', enc: 'A256GCM', kid, sb: FORMAT, kind }
  return encryptCompact(header, Buffer.from(JSON.stringify(content)), key)
}

function unreadable(
  name: string,
  defect: 'malformed' | 'wrong-key' | 'tampered' | 'wrong-name',
  hint: string,
): SnapshotUnreadableError {
  return new SnapshotUnreadableError(name, defect, hint)
}
