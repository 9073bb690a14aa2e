import {
  createVault,
  generateKey,
  memoryStore,
  type HttpOptions,
  type Session,
  type StateCookie,
} from '../../src/index.ts'
import { plainCookies, plainIdentity } from './plain-session.ts'

/** A session as users have it, opened from a vault; nothing of it is made for the bench. */
export async function openBenchSession(
  origin: string,
  { cookies = plainCookies, http = {} }: { cookies?: readonly StateCookie[]; http?: HttpOptions } = {},
): Promise<Session> {
  const vault = createVault({ store: memoryStore(), key: generateKey(), http })
  await vault.put('bench/alice', { state: { cookies, origins: [] }, identity: plainIdentity })
  return vault.open({ name: 'bench', url: origin }, { account: 'alice', login: 'never' })
}
