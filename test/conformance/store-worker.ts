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

async function perform(from: Store, { call, args }: Call): Promise<unknown> {
  const [name, second, third] = args as [string, never, never]
  switch (call) {
    case 'read':
      return encode(await from.read(name))
    case 'write': {
      const { ifVersion } = third as { ifVersion?: string }
      return from.write(name, Buffer.from(second, 'base64'), { ifVersion })
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
    case 'add':
      return add(from, name, second, third)
    default:
      throw new TypeError(`no call ${call}`)
  }
}

/** Adds `count` entries of its own to the JSON list that stands under the name; gives the number of conflicts. */
async function add(to: Store, name: string, who: string, count: number): Promise<number> {
  let conflicts = 0
  for (let n = 0; n < count; n++) {
    const entry = `${who}-${String(n)}`
    for (;;) {
      const found = await to.read(name)
      const list = found === undefined ? [] : (JSON.parse(Buffer.from(found.bytes).toString()) as string[])
      if (list.includes(entry)) break // a conflict was reported although the write took place
      try {
        await to.write(name, Buffer.from(JSON.stringify([...list, entry])), { ifVersion: found?.version })
        break
      } catch (error) {
        if (!(error instanceof StoreConflictError)) throw error
        conflicts++
      }
    }
  }
  return conflicts
}

function encode(found: StoredBytes | undefined): object | undefined {
  return found && { version: found.version, bytes: Buffer.from(found.bytes).toString('base64') }
}

process.on('message', (message) => {
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
