import { createHash } from 'node:crypto'

const MAX_NAME = 200
/** Below the 255 bytes that file systems take, with room for what is put before or behind. */
const MAX_FOLDER = 180
const READABLE = 80

/** Throws `TypeError` for what cannot be a session name. */
export function checkName(name: string): void {
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME)
    throw new TypeError(`A session name is a text of 1 to ${String(MAX_NAME)} characters`)
}

/** Throws `TypeError` for what cannot be the ttl of a lease, in milliseconds. */
export function checkTtl(ttl: number): void {
  if (!Number.isInteger(ttl) || ttl <= 0) throw new TypeError('A lease needs a ttl in whole milliseconds')
}

/**
 * Spells a name as one folder name: small letters, digits, `-`, `_` and inner dots stay, `/` becomes `~`, any other
 * UTF-16 unit `%xx` or `%uxxxx`. So no `..`, no separator, no two names that a case-insensitive or normalising disk
 * would fold into one, and lone surrogates survive. `undefined` when that gets too long for a folder name.
 */
export function folderOf(name: string): string | undefined {
  let folder = ''
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at)
    const char = name.charAt(at)
    const edge = at === 0 || at === name.length - 1
    if (/[a-z0-9_-]/.test(char) || (char === '.' && !edge)) folder += char
    else if (char === '/') folder += '~'
    else if (unit < 0x100) folder += `%${unit.toString(16).padStart(2, '0')}`
    else folder += `%u${unit.toString(16).padStart(4, '0')}`
  }
  return folder.length > MAX_FOLDER ? undefined : folder
}

/** The folder of a name that is too long to be spelled: a readable beginning and a digest; the name lies inside. */
export function digestFolderOf(name: string): string {
  const readable = name
    .slice(0, READABLE)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '_')
  return `${readable}+${digestOf(name)}`
}

/** What a folder of `folderOf` spells, or `undefined` when it is not one. */
export function nameOf(folder: string): string | undefined {
  const name = folder
    .replaceAll('~', '/')
    .replaceAll(/%u([0-9a-f]{4})|%([0-9a-f]{2})/g, (_, wide?: string, narrow?: string) =>
      String.fromCharCode(Number.parseInt(wide ?? narrow ?? '', 16)),
    )
  return name.length > 0 && folderOf(name) === folder ? name : undefined
}

/** 128 bits of SHA-256 over the UTF-16 units, so that two lone surrogates are two names. */
export function digestOf(name: string): string {
  return createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('hex').slice(0, 32)
}
