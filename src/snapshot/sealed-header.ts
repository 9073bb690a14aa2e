import { splitCompact } from './jwe.ts'

/** What stands in clear before a sealed text. Nothing has proven it: good for choosing a key, not for believing. */
export interface SealedHeader {
  /** Id of the key that it was sealed with. */
  readonly keyId: string
  /** Of snapshots; 0 where there is none. */
  readonly epoch: number
}

/** `undefined` for what is no sealed text. */
export function readSealedHeader(bytes: Uint8Array): SealedHeader | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const header = splitCompact(text)?.header
  if (typeof header?.['kid'] !== 'string') return undefined
  const epoch = header['epoch']
  return { keyId: header['kid'], epoch: typeof epoch === 'number' && Number.isSafeInteger(epoch) ? epoch : 0 }
}
