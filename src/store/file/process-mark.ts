import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Names this process in temporary files and leases, so that others can tell what a dead process left behind:
 * `<place>-<pid>.<start>-<random>`. A pid says something only inside the same boot and pid namespace (two containers
 * may share a folder and not their pids): the place is a digest of both. The start, in ticks since boot, tells the
 * process from another that has its pid later. Where the system does not tell the place, nobody is ever called dead.
 */
export function newMark(): string {
  const { place, start } = here()
  const who = start === undefined ? String(process.pid) : `${String(process.pid)}.${start}`
  return `${place ?? 'x'}-${who}-${randomBytes(6).toString('hex')}`
}

/** True only when the process of the mark surely does nothing any more: gone, or a zombie that nobody has reaped. */
export function isDead(mark: string): boolean {
  const [, itsPlace, pid, start] = /^(\w+)-([1-9]\d{0,9})(?:\.(\d+))?-/.exec(mark) ?? []
  const { place, seesProcesses } = here()
  if (place === undefined || itsPlace !== place || pid === undefined) return false
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  const facts = seesProcesses ? factsOf(pid) : undefined
  if (facts === undefined) return false
  return facts.state === 'Z' || facts.state === 'X' || (start !== undefined && facts.start !== start)
}

interface Here {
  readonly place: string | undefined
  /** This process's own. */
  readonly start: string | undefined
  /** False when /proc is that of another pid namespace, where our pid is somebody else. */
  readonly seesProcesses: boolean
}

let known: Here | undefined

function here(): Here {
  known ??= {
    place: placeOf(),
    start: factsOf('self')?.start,
    seesProcesses: linkOf('/proc/self') === String(process.pid),
  }
  return known
}

function placeOf(): string | undefined {
  const pids = linkOf('/proc/self/ns/pid')
  const boot = textOf('/proc/sys/kernel/random/boot_id')
  if (pids === undefined || boot === undefined) return undefined // not Linux
  return createHash('sha256').update(boot).update(pids).digest('hex').slice(0, 12)
}

/** Of a process, from the line that proc(5) explains: its second field, in brackets, may hold anything. */
function factsOf(pid: string): { readonly state: string; readonly start: string } | undefined {
  const line = textOf(`/proc/${pid}/stat`)
  const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ')
  const [state, start] = [fields?.[0], fields?.[19]]
  return state === undefined || start === undefined ? undefined : { state, start }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
