import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Names this process in temporary files and leases, so that others can tell what a dead process left behind.
 * A pid says something only inside the same boot and pid namespace (two containers may share a folder and not their
 * pids), so it goes with a digest of both. Where the system does not tell them, nobody is ever called dead by pid.
 */
export function markOf(pid: number): string {
  place ??= findPlace()
  return `${place}-${String(pid)}-${randomBytes(6).toString('hex')}`
}

/** True only when the process of the mark surely no longer runs. A reused pid reads as alive. */
export function isDead(mark: string): boolean {
  place ??= findPlace()
  const [itsPlace, pid] = mark.split('-')
  if (place === UNKNOWN || itsPlace !== place || pid === undefined || !/^[1-9]\d{0,9}$/.test(pid))
    return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

const UNKNOWN = 'x'
let place: string | undefined

function findPlace(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
    const pids = readlinkSync('/proc/self/ns/pid')
    return createHash('sha256').update(boot).update(pids).digest('hex').slice(0, 12)
  } catch {
    return UNKNOWN // not Linux
  }
}
