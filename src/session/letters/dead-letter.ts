import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { plainUrl, SnapshotUnreadableError } from '../../errors.ts'
import { codeOf } from '../../observe/events.ts'
import { openRecord, sealRecord } from '../../snapshot/record.ts'
import type { SealingKeys } from '../../snapshot/keys.ts'
import type { KeptLetter, Letters, SealedLetter } from '../../store/letters/contract.ts'

export interface LetterFacts {
  /** Whole, with its query. */
  readonly url: string
  readonly session: string
  /** The job of `once`, if it was one. */
  readonly job?: string
  /** Of the last failure, Unix milliseconds. */
  readonly at: number
  /** Of the last error: its code or its kind. */
  readonly code: string
  /** Status of the last answer, if there was one. */
  readonly status?: number
}

/** An address that failed for good. Prints without its query, which may hold secrets. */
export class DeadLetter {
  readonly id: string
  /** How often it was tried. */
  readonly tries: number
  readonly #facts: LetterFacts
  readonly #kept: KeptLetter

  constructor(facts: LetterFacts, kept: KeptLetter) {
    this.#facts = facts
    this.#kept = kept
    this.id = kept.id
    this.tries = kept.tries
  }

  get url(): string {
    return this.#facts.url
  }

  /** Without query and fragment, for people. */
  get place(): string {
    return plainUrl(this.#facts.url)
  }

  get session(): string {
    return this.#facts.session
  }

  get job(): string | undefined {
    return this.#facts.job
  }

  get at(): number {
    return this.#facts.at
  }

  get code(): string {
    return this.#facts.code
  }

  get status(): number | undefined {
    return this.#facts.status
  }

  /** As it lies on its shelf. */
  get kept(): KeptLetter {
    return this.#kept
  }

  toJSON(): object {
    return { id: this.id, tries: this.tries, ...shownOf(this.#facts) }
  }

  [inspect.custom](): string {
    return `DeadLetter ${this.session} ${plainUrl(this.url)} (${this.code}, ${String(this.tries)} tries)`
  }
}

/** What the letter says of an error; messages are not taken over, they may quote what was sent. */
export function failureFacts(error: unknown): Pick<LetterFacts, 'code' | 'status'> {
  const inner = error instanceof TypeError && error.cause instanceof Error ? error.cause : error
  const code = codeOf(inner)
    .replaceAll(/[^\w-]/g, '')
    .slice(0, 60)
  const status: unknown = inner instanceof Error && 'statusCode' in inner ? inner.statusCode : undefined
  return { code, ...(typeof status === 'number' && { status }) }
}

export function sealLetter(facts: LetterFacts, keys: SealingKeys, id = newId(), tries = 1): SealedLetter {
  const sealed = Buffer.from(sealRecord('letter', id, facts, keys)).toString('latin1')
  return { id, tries, shown: shownOf(facts), sealed }
}

/** All letters that open; the others are counted: sealed with another key, or damaged. */
export async function readLetters(
  shelf: Letters,
  keys: SealingKeys,
): Promise<{ readonly letters: readonly DeadLetter[]; readonly unreadable: number }> {
  const { letters, damaged } = await shelf.read()
  const opened: DeadLetter[] = []
  let unreadable = damaged
  for (const kept of letters) {
    try {
      // Sealed by us, so the shape is ours.
      const facts = openRecord('letter', kept.id, Buffer.from(kept.sealed, 'latin1'), keys) as LetterFacts
      opened.push(new DeadLetter(facts, kept))
    } catch (error) {
      if (!(error instanceof SnapshotUnreadableError)) throw error
      unreadable += 1
    }
  }
  return { letters: opened, unreadable }
}

function shownOf({ url, session, job, at, code, status }: LetterFacts): SealedLetter['shown'] {
  return {
    ...{ at: new Date(at).toISOString(), session, url: plainUrl(url), code },
    ...(status !== undefined && { status }),
    ...(job !== undefined && { job }),
  }
}

function newId(): string {
  return randomBytes(9).toString('base64url')
}
