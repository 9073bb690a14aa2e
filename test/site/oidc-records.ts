/** What the provider writes down, in memory; the test may end tokens before their time. */
export interface OidcRecords {
  /** Makes the provider's adapter for one kind of record. */
  readonly adapter: (kind: string) => OidcAdapter
  /** All access tokens that were given out have ended a second ago, as if their time had come. */
  expireAccessTokens(): void
  /** All tokens are gone, refresh tokens included. */
  forgetTokens(): void
}

interface OidcRecord {
  readonly grantId?: string
  readonly uid?: string
  exp?: number
  consumed?: number
}

interface OidcAdapter {
  upsert(id: string, record: OidcRecord): Promise<void>
  find(id: string): Promise<OidcRecord | undefined>
  findByUid(uid: string): Promise<OidcRecord | undefined>
  findByUserCode(): Promise<undefined>
  consume(id: string): Promise<void>
  destroy(id: string): Promise<void>
  revokeByGrantId(grantId: string): Promise<void>
}

export function createOidcRecords(): OidcRecords {
  const kinds = new Map<string, Map<string, OidcRecord>>()
  const recordsOf = (kind: string): Map<string, OidcRecord> => {
    const records = kinds.get(kind) ?? new Map<string, OidcRecord>()
    kinds.set(kind, records)
    return records
  }
  const now = (): number => Math.floor(Date.now() / 1000)
  return {
    adapter(kind) {
      const records = recordsOf(kind)
      return {
        upsert: (id, record) => done(() => records.set(id, record)),
        find: (id) => Promise.resolve(records.get(id)),
        findByUid: (uid) => Promise.resolve([...records.values()].find((record) => record.uid === uid)),
        findByUserCode: () => Promise.resolve(undefined),
        consume: (id) =>
          done(() => {
            const record = records.get(id)
            if (record !== undefined) record.consumed = now()
          }),
        destroy: (id) => done(() => records.delete(id)),
        revokeByGrantId: (grantId) =>
          done(() => {
            for (const all of kinds.values())
              for (const [id, record] of all) if (record.grantId === grantId) all.delete(id)
          }),
      }
    },
    expireAccessTokens() {
      for (const record of recordsOf('AccessToken').values()) record.exp = now() - 1
    },
    forgetTokens() {
      for (const kind of ['AccessToken', 'RefreshToken']) recordsOf(kind).clear()
    },
  }
}

function done(act: () => unknown): Promise<void> {
  act()
  return Promise.resolve()
}
