import { createHttp } from '../../src/http/client.ts'
import { Cell } from '../../src/state/cell.ts'
import { emptyState, type SessionState } from '../../src/state/state.ts'
import type { Snapshot } from '../../src/snapshot/envelope.ts'
import type { ShopFront } from '../site/address.ts'

/** A session of the shop that was made over HTTP: for tests that need many, and of which none is about the login. */
export async function signIn(
  shop: ShopFront,
  account: keyof ShopFront['accounts'] = 'alice',
): Promise<Pick<Snapshot, 'state' | 'probe' | 'verifiedAt'>> {
  const cell = new Cell(emptyState)
  const carrier = { name: 'test', cell, identity: undefined, headerRules: [] }
  const http = createHttp(carrier, { lookup: shop.lookup, ca: shop.ca })
  try {
    await http.post(shop.url('shop.test', '/api/login'), { json: { ...shop.accounts[account] } })
  } finally {
    await http.close()
  }
  return { state: cell.state, probe: probeOf(shop), verifiedAt: Date.now() }
}

export function probeOf(shop: ShopFront): NonNullable<Snapshot['probe']> {
  return {
    url: shop.url('shop.test', '/api/orders'),
    alive: { status: 200, contentType: 'application/json' },
    dead: { status: 401, contentType: 'application/json' },
  }
}

export function cookieOf(state: SessionState, name: string): string | undefined {
  return state.cookies.find((cookie) => cookie.name === name)?.value
}
