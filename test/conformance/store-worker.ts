/**
 * Another process with a store of its own on the same shelf. Takes calls over IPC and answers with the same id.
 * argv: the module that makes the store, the name of its function, its arguments as JSON.
 */
import { StoreConflictError } from '../../src/errors.ts'
import type { Lease, Store, StoredBytes } from '../../src/store/contract.ts'
import { withSealedNames } from './sealed-name.ts'

export interface Call {
  readonly id: number
  readonly call: string
  readonly args: readonly unknown[]
}

const [, , module = '', maker = '', args = '[]'] = process.argv
const stores = (await import(module)) as Record<string, (...args: unknown[]) => Store>
const made = stores[maker]?.(...(JSON.parse(args) as unknown[]))
if (made === undefined) throw new Error(`${module} has no ${maker}`)
const store = withSealedNames(made)
const leases = new Map<number, Lease>()
let goOn: () => void = () => undefined

async function perform(from: Store, { call, args }: Call): Promise<unknown> {
  const [name, second, third] = args as [string, never, never]
  switch (call) {
    case 'read':
      return encode(await from.read(name))
    case 'write': {
      const { ifVersion, milestone = false } = third as { ifVersion?: string; milestone?: boolean }
      return from.write(name, Buffer.from(second, 'base64'), { ifVersion, milestone })
    }
    case 'lease': {
      const lease = await from.lease(name, second)
      if (lease !== undefined) leases.set(lease.fence, lease)
      return lease?.fence
    }
    case 'renew':
      return leases.get(Number(name))?.renew()
    case 'release':
      return leases.get(Number(name))?.release()
    case 'change':
      return change(from, name, { who: second, count: third, meetings: Number(args[3]) })
    default:
      throw new TypeError(`no call ${call}`)
  }
}

/** What several processes change at once, each in its own part. */
export interface Shared {
  /** The last change of each. */
  readonly counts: Readonly<Record<string, number>>
  readonly entries: readonly string[]
}

export interface Changes {
  readonly conflicts: number
  /** Changes of its own that it did not find again. */
  readonly lost: number
  /** Entries of its own that it had deleted and found again. */
  readonly back: number
}

interface Changing {
  readonly who: string
  readonly count: number
  /** Changes, from the first on, of which the process has read what there is, and waits for the others to have, too. */
  readonly meetings: number
}

/** Makes `count` changes as workers of one session do: adds an entry of its own and deletes the one before. */
async function change(to: Store, name: string, { who, count, meetings }: Changing): Promise<Changes> {
  const seen = { conflicts: 0, lost: 0, back: 0 }
  let met = 0
  for (let n = 1; n <= count; n++) {
    for (let wrote = false; !wrote;) {
      const found = await to.read(name)
      if (met < Math.min(n, meetings)) {
        met = n
        await meeting()
      }
      const shared: Shared =
        found === undefined
          ? { counts: {}, entries: [] }
          : (JSON.parse(Buffer.from(found.bytes).toString()) as Shared)
      const mine = shared.entries.filter((entry) => entry.startsWith(`${who}-`))
      const others = shared.entries.filter((entry) => !mine.includes(entry))
      const last = shared.counts[who] ?? 0
      if (last === n) break // a conflict was reported although the write took place
      if (last < n - 1) seen.lost++
      if (mine.some((entry) => entry !== `${who}-${String(last)}`)) seen.back++
      const next = { counts: { ...shared.counts, [who]: n }, entries: [...others, `${who}-${String(n)}`] }
      try {
        await to.write(name, Buffer.from(JSON.stringify(next)), { ifVersion: found?.version })
        wrote = true
      } catch (error) {
        if (!(error instanceof StoreConflictError)) throw error
        seen.conflicts++
      }
    }
  }
  return seen
}

/** Of two that have read the same and write then, one finds a conflict: that they meet must not be left to luck. */
async function meeting(): Promise<void> {
  await new Promise<void>((resolve) => {
    goOn = resolve
    process.send?.({ meeting: true })
  })
}

function encode(found: StoredBytes | undefined): object | undefined {
  return found && { version: found.version, bytes: Buffer.from(found.bytes).toString('base64') }
}

process.on('message', (message) => {
  if ('goOn' in (message as object)) {
    goOn()
    return
  }
  const call = message as Call
  perform(store, call).then(
    (result) => process.send?.({ id: call.id, result }),
    (error: unknown) => {
      const { code, message } = error as Error & { code?: string }
      process.send?.({ id: call.id, error: { code, message } })
    },
  )
})
process.on('SIGXFSZ', () => undefined) // over `ulimit -f`: let the write fail instead of dying
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
