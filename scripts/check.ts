import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { openStored } from './vault/open-stored.ts'
import type { CommonOptions, NetworkOptions } from './vault/settings.ts'

export interface CheckOptions extends CommonOptions, NetworkOptions {}

const sentences = {
  alive: 'alive',
  dead: 'dead: the server no longer takes it; capture it again',
  unclear:
    'unclear: no request is known that would tell, or the server answered neither as to the living nor as to the dead',
} as const

const codes = { alive: exitCodes.ok, dead: exitCodes.dead, unclear: exitCodes.other } as const

/** Asks the server whether it takes the session: 0 alive, 2 dead, 1 unclear. */
export async function check(call: Call<CheckOptions>, text: string): Promise<number> {
  const session = await openStored(call, text)
  try {
    const liveness = await session.check()
    await call.screen.data({ name: session.name, liveness })
    await call.screen.result(`${session.name}  ${sentences[liveness]}`)
    return codes[liveness]
  } finally {
    await session.close()
  }
}
