import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createVault, fileStore, generateKey, type Vault } from '../../src/index.ts'
import { mapUrls } from '../../src/session/map/map.ts'
import type { MapResult } from '../../src/session/map/map-options.ts'
import { eventually } from '../conformance/wait.ts'
import { parseKeys } from '../../src/snapshot/keys.ts'

const key = generateKey()
const urls = Array.from({ length: 900 }, (_, n) => `https://shop.test/${String(n)}`)
const month = 30 * 86_400_000
let folder: string
let vault: Vault

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purge-jobs-'))
  vault = createVault({ store: fileStore(folder), key })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function run(
  job: string,
  work: (url: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<MapResult> {
  const host = {
    ...{ name: 'shop/alice', signsOut: () => false, isDead: () => Promise.resolve(false) },
    shelf: { store: fileStore(folder), keys: parseKeys(key) },
  }
  return mapUrls(host, urls, work, { once: job, concurrency: 50 })
}

/** As if all that has been written to the folder were written `age` ms ago. What goes meanwhile has gone. */
async function ageAll(age: number): Promise<void> {
  const at = new Date(Date.now() - age)
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || !file.name.endsWith('.sealed')) continue
    await utimes(join(file.parentPath, file.name), at, at).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    })
  }
}

async function pages(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('%7emap'))
}

describe('purge of jobs', () => {
  test('removes all pages of those that nobody has written to for so long, and no other', async () => {
    await run('old')
    const old = (await pages()).length
    expect(old).toBeGreaterThan(1)
    await ageAll(month)
    await run('new')
    const both = (await pages()).length
    const planned = await vault.purge({ jobsOlderThan: month / 2, dryRun: true })
    expect(planned).toMatchObject({ jobs: [{ pages: old }], sessions: [], skipped: [] })
    expect(await pages()).toHaveLength(both)
    expect((await vault.purge({ expired: true, generationsOlderThan: 1 })).jobs).toEqual([])
    expect(await vault.purge({ jobsOlderThan: month / 2 })).toEqual({ ...planned, dryRun: false })
    expect(await pages()).toHaveLength(both - old)
    expect(await vault.purge({ jobsOlderThan: month / 2 })).toMatchObject({ jobs: [] })
    expect((await run('new')).elsewhere).toBe(urls.length)
    expect((await run('old')).done).toBe(urls.length)
  })

  test('leaves one that somebody works on, and one that does not open', async () => {
    let purged: Awaited<ReturnType<Vault['purge']>> | undefined
    await run('slow', async (url) => {
      if (url !== urls.at(-1)) return
      // Until what the others have done is written, the job is a young one.
      purged = await eventually(async () => {
        await ageAll(month)
        const found = await vault.purge({ jobsOlderThan: month / 2 })
        return found.jobs.length > 0 || found.skipped.length > 0 ? found : undefined
      })
    })
    expect(purged).toMatchObject({ jobs: [], skipped: [{ why: 'it is worked on' }] })
    await ageAll(month)
    const other = createVault({ store: fileStore(folder), key: generateKey() })
    expect(await other.purge({ jobsOlderThan: month / 2 })).toMatchObject({
      jobs: [],
      skipped: [{ why: 'it does not open (wrong-key)' }],
    })
    expect((await vault.purge({ jobsOlderThan: month / 2 })).jobs).toHaveLength(1)
    expect(await pages()).toEqual([])
  })
})
