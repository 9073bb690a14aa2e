/**
 * Loaded with `--import` ahead of a worker: makes the disk faulty for it. The query of the URL says how:
 * `kill=<n>` kills the process with SIGKILL before its n-th call that changes what lies in a folder;
 * `fail=<call,call>&every=<n>` lets every n-th of these calls fail with EIO.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

type Call = (...args: unknown[]) => unknown

const RENAMING = ['linkSync', 'renameSync', 'unlinkSync', 'mkdirSync', 'rmSync']
const CALLS = ['openSync', 'writeSync', 'fsync', ...RENAMING]
const asked = new URL(import.meta.url).searchParams
const killAt = Number(asked.get('kill') ?? 0)
const failing = new Set(asked.get('fail')?.split(','))
const every = Number(asked.get('every') ?? 0)
const disk = fs as unknown as Record<string, Call>
let changes = 0
let candidates = 0

for (const name of CALLS) {
  const real = disk[name]
  if (real === undefined) throw new Error(`node:fs has no ${name}`)
  disk[name] = (...args) => {
    if (isChange(name, args[1]) && ++changes === killAt) process.kill(process.pid, 'SIGKILL')
    if (!failing.has(name) || ++candidates % every !== 0) return real(...args)
    const error = Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO' })
    const callback = args.at(-1)
    if (typeof callback !== 'function') throw error
    setImmediate(() => {
      ;(callback as Call)(error)
    })
    return undefined
  }
}
syncBuiltinESMExports()

/** A call that only writes or syncs leaves the same files behind. */
function isChange(name: string, flags: unknown): boolean {
  return name === 'openSync' ? (Number(flags) & fs.constants.O_CREAT) !== 0 : RENAMING.includes(name)
}
