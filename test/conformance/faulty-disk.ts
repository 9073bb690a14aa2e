/**
 * Loaded with `--import` ahead of a worker: makes the disk faulty for it. The query of the URL says how:
 * `kill=<n>` kills the process with SIGKILL before its n-th call that changes what lies in a folder;
 * `fail=<call>&every=<n>` lets every n-th of these calls fail with EIO;
 * `short=<n>` lets every n-th write take half of the bytes only.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

type Call = (...args: unknown[]) => unknown

const RENAMING = ['linkSync', 'renameSync', 'unlinkSync', 'mkdirSync', 'rmSync']
const CALLS = ['openSync', 'writeSync', 'fsync', ...RENAMING]
const asked = new URL(import.meta.url).searchParams
const killAt = Number(asked.get('kill') ?? 0)
const failing = asked.get('fail')
const every = Number(asked.get('every') ?? 0)
const short = Number(asked.get('short') ?? 0)
const disk = fs as unknown as Record<string, Call>
let changes = 0
let candidates = 0
let writes = 0

for (const name of CALLS) {
  const real = disk[name]
  if (real === undefined) throw new Error(`node:fs has no ${name}`)
  disk[name] = (...args) => {
    if (isChange(name, args[1]) && ++changes === killAt) process.kill(process.pid, 'SIGKILL')
    if (name === failing && ++candidates % every === 0) {
      fail(name, args.at(-1))
      return undefined
    }
    if (name === 'writeSync' && ++writes % short === 0 && typeof args[3] === 'number')
      args[3] = Math.ceil(args[3] / 2)
    return real(...args)
  }
}
syncBuiltinESMExports()

function fail(name: string, callback: unknown): void {
  const error = Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO' })
  if (typeof callback !== 'function') throw error
  setImmediate(() => {
    ;(callback as Call)(error)
  })
}

/** A call that only writes or syncs leaves the same files behind. */
function isChange(name: string, flags: unknown): boolean {
  return name === 'openSync' ? (Number(flags) & fs.constants.O_CREAT) !== 0 : RENAMING.includes(name)
}
