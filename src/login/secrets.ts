import { readFile } from 'node:fs/promises'
import type { BrowserContext, Page } from 'playwright'
import { SecretMissingError, SecretOriginError } from '../errors.ts'
import type { AllowedOrigins } from './allowed-origins.ts'
import type { Scrubber } from './scrub.ts'

/**
 * Where `secret(name)` looks: a function, a record by name, or (when absent) the environment:
 * `SESSIONBRIDGE_<RECIPE>_<ACCOUNT>_<NAME>`, then `SESSIONBRIDGE_<RECIPE>_<NAME>`, each also with `_FILE` at the end
 * for the path of a file that holds the secret.
 */
export type Secrets =
  ((name: string, account: string) => string | Promise<string>) | Readonly<Record<string, string>> | undefined

export interface SecretPlace {
  readonly recipe: string
  readonly account: string
  readonly secrets: Secrets
}

/** Finds a secret. Throws `SecretMissingError` with the places looked at. */
export async function findSecret(name: string, place: SecretPlace): Promise<string> {
  const { secrets, account } = place
  if (typeof secrets === 'function') {
    return present(await secrets(name, account)) ?? missing(name, ['the secrets function'])
  }
  if (secrets !== undefined) {
    const value = Object.hasOwn(secrets, name) ? present(secrets[name]) : undefined
    return value ?? missing(name, [`the secrets record, field "${name}"`])
  }
  return fromEnvironment(name, place)
}

async function fromEnvironment(name: string, { recipe, account }: SecretPlace): Promise<string> {
  const looked: string[] = []
  for (const words of [
    [recipe, account, name],
    [recipe, name],
  ]) {
    const variable = ['SESSIONBRIDGE', ...words].map(variableWord).join('_')
    const value = present(process.env[variable])
    if (value !== undefined) return value
    const path = process.env[`${variable}_FILE`]
    if (path !== undefined && path !== '') return fromFile(name, `${variable}_FILE`, path)
    looked.push(`environment ${variable}`, `${variable}_FILE`)
  }
  return missing(name, looked)
}

/** A file that is named but cannot be read is not passed over: the next place may hold another account's secret. */
async function fromFile(name: string, variable: string, path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    return present(text.replace(/\r?\n$/, '')) ?? missing(name, [`the file in ${variable} (empty)`])
  } catch (error) {
    if (error instanceof SecretMissingError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new SecretMissingError(name, [`the file in ${variable} (${code})`])
  }
}

function variableWord(word: string): string {
  return word.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}

function present(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function missing(name: string, looked: string[]): never {
  throw new SecretMissingError(name, looked)
}

export interface SecretDesk {
  give(name: string): Promise<string>
  /** Unix ms of the last secret given out; `undefined` before the first. */
  readonly lastGivenAt: number | undefined
}

/**
 * Gives out secrets while every page of the login stands where the recipe allows it. The page is asked itself
 * (Playwright's `url()` can be behind a redirect that is just being carried out), and asked after the secret was
 * fetched, so that the answer is as fresh as can be when the recipe begins to type.
 */
export function openSecretDesk(
  context: BrowserContext,
  place: SecretPlace,
  allowed: AllowedOrigins,
  scrubber: Scrubber,
): SecretDesk {
  let lastGivenAt: number | undefined
  return {
    get lastGivenAt() {
      return lastGivenAt
    },
    async give(name) {
      const value = await findSecret(name, place)
      scrubber.add(value)
      for (const page of context.pages()) await assertAllowed(page, name, allowed)
      lastGivenAt = Date.now()
      return value
    },
  }
}

const pageAnswersWithin = 5_000

async function assertAllowed(page: Page, name: string, allowed: AllowedOrigins): Promise<void> {
  if (page.isClosed() || page.url() === 'about:blank') return
  const urls = [page.url(), await documentUrl(page)]
  for (const url of urls) {
    if (!allowed.has(url)) throw new SecretOriginError(name, originOf(url), allowed.list)
  }
}

/** What the main frame's own document says, or `(hung page)`, which is allowed nowhere. */
async function documentUrl(page: Page): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, pageAnswersWithin, '(hung page)')
  })
  // A document that is just being replaced cannot answer; the next one can.
  const ask = (): Promise<string> => page.mainFrame().evaluate(() => window.location.href)
  const answer = ask().catch(() => ask().catch(() => '(page that does not answer)'))
  return Promise.race([answer, silence]).finally(() => {
    clearTimeout(timer)
  })
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url
}
