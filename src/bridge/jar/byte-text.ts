/**
 * Cookies are bytes on the wire and text in the state. HTTP clients hand headers over as byte strings (one character
 * per octet); Chromium and the state hold UTF-8 decoded. Octets that are not UTF-8 are kept as lone surrogates
 * U+DC80…U+DCFF, one each, so that they come out again as they went in.
 */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** From a header's byte string to the text of the state. */
export function textOfBytes(bytes: string): string {
  if (isAscii(bytes)) return bytes
  const buffer = Buffer.from(bytes, 'latin1')
  try {
    return utf8.decode(buffer)
  } catch {
    return withEscapes(buffer)
  }
}

/** From the text of the state to a header's byte string. */
export function bytesOfText(text: string): string {
  if (isAscii(text)) return text
  let bytes = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes +=
      code >= 0xdc80 && code <= 0xdcff
        ? String.fromCharCode(code - 0xdc00)
        : Buffer.from(character).toString('latin1')
  }
  return bytes
}

/** A header line whatever it came as: text with characters beyond octets is taken for text and becomes bytes. */
export function bytesOfLine(line: string): string {
  for (let at = 0; at < line.length; at++) if (line.charCodeAt(at) > 0xff) return bytesOfText(line)
  return line
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false
  return true
}

/** Decodes what is UTF-8, sequence by sequence, and escapes the octets that are not. */
function withEscapes(buffer: Buffer): string {
  let text = ''
  for (let at = 0; at < buffer.length;) {
    const length = sequenceLength(buffer, at)
    text +=
      length === 0
        ? String.fromCharCode(0xdc00 + (buffer[at] ?? 0))
        : utf8.decode(buffer.subarray(at, at + length))
    at += Math.max(length, 1)
  }
  return text
}

/** Octets of the valid UTF-8 sequence that begins here; 0 if none does. */
function sequenceLength(buffer: Buffer, at: number): number {
  const first = buffer[at] ?? 0
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  try {
    return utf8.decode(buffer.subarray(at, at + length)) === '' ? 0 : length
  } catch {
    return 0
  }
}
