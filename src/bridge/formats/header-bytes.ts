import { bytesOfText, textOfBytes } from '../jar/byte-text.ts'

/** Some archives hold header bytes one character each, others text; bytes that are UTF-8 are hardly a coincidence. */
export function headerBytes(line: string): string {
  if (/[^\u0000-\u00ff]/.test(line)) return bytesOfText(line)
  const text = textOfBytes(line)
  return /[\ud800-\udfff]/u.test(text) ? bytesOfText(line) : line
}
