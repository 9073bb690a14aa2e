import type CachePolicy from 'http-cache-semantics'

export interface StoredAnswer {
  readonly policy: CachePolicy
  readonly statusCode: number
  readonly statusText: string
  /** As the server spelled it; the policy has it in lower case. */
  readonly cacheControl: string | undefined
  /** Decoded. */
  readonly content: Buffer
  /** Of its own headers. */
  readonly headBytes: number
  /** Digest of the credentials that it was asked with. */
  readonly asker: string
  /** What `Vary` names, as it was asked with, and which names those are. */
  readonly variant: string
  readonly vary: string | undefined
}

/** Variants of one address that are kept. */
const mostVariants = 8
/** What an entry takes besides its body and head, roughly. */
const overhead = 2_048

/** Answers by address, those used last at the end; the others go when it gets too many bytes. */
export class StoredAnswers {
  readonly #maxBytes: number
  readonly #byAddress = new Map<string, StoredAnswer[]>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes that one answer may have: no single one drives all others out. */
  get largest(): number {
    return Math.floor(this.#maxBytes / 8)
  }

  get bytes(): number {
    return this.#bytes
  }

  of(address: string): readonly StoredAnswer[] {
    const answers = this.#byAddress.get(address)
    if (answers === undefined) return []
    this.#byAddress.delete(address)
    this.#byAddress.set(address, answers)
    return answers
  }

  /** In the place of `before`, and of what has the same variant. */
  put(address: string, answer: StoredAnswer, before?: StoredAnswer): void {
    const others = this.of(address).filter(
      (other) => other !== before && (other.variant !== answer.variant || other.vary !== answer.vary),
    )
    this.#set(address, [answer, ...others].slice(0, mostVariants))
    for (const oldest of this.#byAddress.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#set(oldest, [])
    }
  }

  forget(address: string): void {
    this.#set(address, [])
  }

  clear(): void {
    this.#byAddress.clear()
    this.#bytes = 0
  }

  #set(address: string, answers: StoredAnswer[]): void {
    this.#bytes += sizeOf(address, answers) - sizeOf(address, this.#byAddress.get(address) ?? [])
    this.#byAddress.delete(address)
    if (answers.length > 0) this.#byAddress.set(address, answers)
  }
}

function sizeOf(address: string, answers: readonly StoredAnswer[]): number {
  return answers.reduce(
    (sum, { content, headBytes }) => sum + content.length + headBytes + overhead + address.length,
    0,
  )
}
