import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { guardFolder } from './guard.ts'
import { freePort } from '../site/free-port.ts'
import { ended, launch } from './server.ts'
import { command } from './wire.ts'

/** One Sentinel that watches one master. */
export interface Sentinel {
  readonly port: number
  /** Has it make the replica the master. */
  failover(): Promise<void>
  stop(): Promise<void>
}

export async function startSentinel(name: string, master: number): Promise<Sentinel> {
  const folder = mkdtempSync(join(tmpdir(), 'sessionbridge-sentinel-'))
  guardFolder(folder)
  const file = join(folder, 'sentinel.conf')
  const settings = [
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${name} 127.0.0.1 ${String(master)} 1`,
    `sentinel down-after-milliseconds ${name} 60000`,
  ]
  const start = async (): Promise<{ port: number; child: ChildProcess }> => {
    const port = await freePort()
    writeFileSync(file, `${[`port ${String(port)}`, ...settings].join('\n')}\n`)
    const child = await launch([file, '--sentinel'], /\+monitor master/)
    return child === undefined ? start() : { port, child }
  }
  const { port, child } = await start()
  return {
    port,
    async failover() {
      for (;;) {
        // It knows the replica only after it has asked the master.
        const answer = await command(port, ['SENTINEL', 'FAILOVER', name]).catch(String)
        if (answer === 'OK') return
        await pause(50)
      }
    },
    async stop() {
      await ended(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
