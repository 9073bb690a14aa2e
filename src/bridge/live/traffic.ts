import type { Rule } from './judge.ts'

/** What all parts of one live sync share. */
export interface Traffic {
  /** The name under which this sync writes to the cell, so that it knows its own changes. */
  readonly by: string
  readonly rule: Rule
  /** Hears of each write of the sync, before it is made; for tests and benches, which count echoes. */
  wrote(to: 'cell' | 'browser', kind: StorageKind | 'cookie', name: string, value: string | undefined): void
}

export type StorageKind = 'localStorage' | 'sessionStorage'
