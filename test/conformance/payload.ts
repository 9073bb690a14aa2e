import { createHash } from 'node:crypto'

/** Bytes that tell their number, and whether they are whole. */
export function payload(number: number, filler: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(`${String(number)}\n`), filler])
  return Buffer.concat([createHash('sha256').update(body).digest(), body])
}

/** The number of a payload, or `torn`. */
export function numberIn(bytes: Uint8Array): number | 'torn' {
  const body = bytes.subarray(32)
  const digest = createHash('sha256').update(body).digest()
  if (!digest.equals(bytes.subarray(0, 32))) return 'torn'
  return Number(Buffer.from(body.subarray(0, 20)).toString('latin1').split('\n')[0])
}
