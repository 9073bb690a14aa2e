import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SessionbridgeError } from '../../src/errors.ts'
import { fileStore } from '../../src/store/file.ts'

const PAYLOAD = 'payload-canary-7f3a'
const SEALED_NAME = 'sealed-name-canary-51c2'
const ENVIRONMENT = 'environment-canary-d0e9'
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sessionbridge-secrets-'))
  process.env['SESSIONBRIDGE_CANARY'] = ENVIRONMENT
})

afterEach(() => {
  delete process.env['SESSIONBRIDGE_CANARY']
  rmSync(directory, { recursive: true, force: true })
})

test('Names of files, leases and errors tell nothing of what is stored, and only the sealed files hold it', async () => {
  const store = fileStore(directory)
  const bytes = Buffer.from(PAYLOAD)
  let version: string | undefined
  const write = async (): Promise<void> => {
    const options = { ifVersion: version, milestone: true, sealedName: SEALED_NAME, expiresAt: Date.now() }
    version = await store.write('shop/alice', bytes, options)
  }
  for (let n = 0; n < 4; n++) await write()
  await store.write('L'.repeat(200), bytes, { ifVersion: undefined, sealedName: SEALED_NAME })
  const lease = await store.lease('shop/alice', 60_000)
  await lease?.renew()

  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const holders = files.filter((file) => readFileSync(file).includes(PAYLOAD))
  expect(holders.length).toBeGreaterThan(4)
  for (const holder of holders) expect(holder).toMatch(/\/\d+\.(sealed|milestone)$/)
  const seen = files.filter((file) => !holders.includes(file)).map((file) => readFileSync(file, 'latin1'))
  expect(seen.length).toBeGreaterThan(1) // the lease and the long name

  const folder = join(directory, 'shop~alice')
  rmSync(join(folder, '4.sealed'))
  symlinkSync(join(folder, '3.sealed'), join(folder, '4.sealed'))
  writeFileSync(join(folder, 'x'), PAYLOAD)
  const calls = [
    () => store.read('shop/alice'),
    () => store.history('shop/alice'),
    () => store.write('shop/alice', bytes, { ifVersion: version, sealedName: SEALED_NAME }),
    () => store.write('shop/alice', bytes, { ifVersion: undefined, sealedName: SEALED_NAME }),
    () => store.forget('shop/alice', [version ?? '']),
    () => store.write('L'.repeat(200), bytes, { ifVersion: '9-x', sealedName: SEALED_NAME }),
  ]
  let errors = 0
  for (const call of calls) {
    const error = await call().catch((thrown: unknown) => thrown)
    if (!(error instanceof SessionbridgeError)) continue
    errors++
    seen.push(inspect(error, { depth: 10, showHidden: true }), JSON.stringify(error))
  }
  expect(errors).toBeGreaterThan(3)
  for (const text of [...seen, ...entries.map((entry) => entry.name)])
    for (const canary of [PAYLOAD, SEALED_NAME, ENVIRONMENT]) expect(text).not.toContain(canary)
  await store.close()
})
