import { chromium, type Browser } from 'playwright'
import { createVault, defineRecipe, fileStore, redisStore, type Store, type Vault } from '../../src/index.ts'
import type { Recipe } from '../../src/index.ts'
import { fillLogin } from './shop-recipe.ts'
import type { FleetJob, FleetMessage, FleetOrder } from './job.ts'

/** What the processes of a fleet have in common: the job, the store, the vault, and a line to whoever started them. */
export interface FleetMember {
  readonly job: FleetJob
  readonly browser: Browser
  readonly store: Store
  readonly vault: Vault
  readonly recipe: Recipe
}

/** Where the store is always there: longer than a machine may stand still. */
const patient = { timeout: 20_000 }

export async function joinFleet(storeDown: 'fail' | 'continue' = 'fail'): Promise<FleetMember> {
  const job = JSON.parse(process.env['FLEET_JOB'] ?? '') as FleetJob
  const { directory, redis, prefix, key, secrets, leaseFor = 15_000 } = job
  const store =
    directory === undefined
      ? redisStore(redis ?? [], {
          ...(prefix !== undefined && { prefix }),
          ...(storeDown === 'fail' && patient),
        })
      : fileStore(directory)
  const browser = await chromium.connect(job.browser)
  const recipe = defineRecipe({
    name: 'shop',
    url: new URL('/login', job.shop).href,
    probe: new URL('/api/orders', job.shop).href,
    revisit: false,
    async login(page, tools) {
      if (job.stops === true) await standAt('login')
      await fillLogin(page, tools)
    },
  })
  const vault = createVault({ store, key, browser: { browser }, secrets, policy: { leaseFor, storeDown } })
  return { job, browser, store, vault, recipe }
}

export async function leaveFleet({ browser, store }: FleetMember): Promise<void> {
  await browser.close()
  await store.close()
  process.disconnect()
}

export function say(message: FleetMessage): void {
  process.send?.(message)
}

export function onOrder(obey: (order: FleetOrder) => void): void {
  process.on('message', obey)
}

/** Says that it stands there, and waits until it may go on. */
function standAt(place: string): Promise<void> {
  return new Promise((resolve) => {
    onOrder(({ goOn }) => {
      if (goOn === place) resolve()
    })
    say({ at: place })
  })
}

export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error ? String(error.code) : error.name
}
