import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/**
 * To be required by a Node program that a test starts with `fork`: its clock goes on when it is told to, so that nobody
 * has to wait for the end of a token.
 */
export const clockScript = `const now = Date.now
let passed = 0
Date.now = () => now() + passed
process.on('message', ({ passTime }) => {
  if (passTime === undefined) return
  passed += passTime
  process.send({ passedTime: passTime })
})
`

/** Resolves when the clock of a program that has required `clockScript` has gone on by so many ms. */
export async function passTime(program: ChildProcess, ms: number): Promise<void> {
  const messages = once(program, 'message')
  program.send({ passTime: ms })
  await messages
}
