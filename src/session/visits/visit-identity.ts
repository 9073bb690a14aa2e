import type { Browser, BrowserContextOptions, CDPSession, Page } from 'playwright'
import type { Identity } from '../../state/identity.ts'

/** In what the browser of a visit is not the one that signed in. */
export type BrowserDifference = 'browser' | 'languages'

/**
 * Makes the pages of a context say what the login browser said where context options do not reach: languages with their
 * order, and the client hints of another version or system. Does nothing in a browser that says all of that by itself, as the
 * same one does on the same machine. Gives what it had to put right: in workers and in the first request of popups the
 * difference still shows, for DevTools overrides a page and no more.
 */
export async function wearIdentity(
  page: Page,
  identity: Identity | undefined,
  own: BrowserContextOptions = {},
): Promise<readonly BrowserDifference[]> {
  const browser = page.context().browser()
  if (identity === undefined || browser?.browserType().name() !== 'chromium') return []
  const differs: BrowserDifference[] = []
  if (own.userAgent === undefined && (await isAnother(browser, identity))) differs.push('browser')
  if (own.locale === undefined && (await speaksOtherwise(page, identity))) differs.push('languages')
  if (differs.length === 0) return differs
  const override = overrideOf(identity, differs)
  const dress = async (one: Page): Promise<void> => {
    const protocol = await one.context().newCDPSession(one) // stays: the override lives as long as it does
    await protocol.send('Emulation.setUserAgentOverride', override)
    const [locale] = identity.languages
    if (differs.includes('languages') && locale !== undefined)
      await protocol.send('Emulation.setLocaleOverride', { locale })
  }
  await dress(page)
  page.context().on('page', (one) => {
    dress(one).catch(() => undefined) // closed meanwhile
  })
  return differs
}

const own = new WeakMap<Browser, Promise<string>>()

/** Of another version, or on another system. */
async function isAnother(browser: Browser, identity: Identity): Promise<boolean> {
  let asked = own.get(browser)
  if (asked === undefined) own.set(browser, (asked = userAgentOf(browser)))
  const userAgent = await asked
  const version = unquoted(valueOf(identity, 'sec-ch-ua-full-version'))
  if (version !== undefined && version !== browser.version()) return true
  return (
    systemOf(userAgent) !== systemOf(identity.userAgent) || majorOf(userAgent) !== majorOf(identity.userAgent)
  )
}

async function userAgentOf(browser: Browser): Promise<string> {
  const protocol = await browser.newBrowserCDPSession()
  try {
    return (await protocol.send('Browser.getVersion')).userAgent
  } finally {
    await protocol.detach()
  }
}

function systemOf(userAgent: string): string | undefined {
  return /\(([^)]*)\)/.exec(userAgent)?.[1]
}

function majorOf(userAgent: string): string | undefined {
  return /Chrome\/(\d+)/.exec(userAgent)?.[1]
}

async function speaksOtherwise(page: Page, { languages }: Identity): Promise<boolean> {
  if (languages.length === 0) return false
  const spoken = await page.evaluate(() => [...navigator.languages])
  return spoken.join() !== languages.join()
}

type Override = NonNullable<Parameters<CDPSession['send']>[1]> & { readonly userAgent: string }

function overrideOf(identity: Identity, differs: readonly BrowserDifference[]): Override {
  const { userAgent, languages } = identity
  const userAgentMetadata = metadataOf(identity)
  return {
    userAgent,
    ...(differs.includes('languages') && { acceptLanguage: languages.join(',') }),
    ...(userAgentMetadata !== undefined && { userAgentMetadata }),
  }
}

/** What Chromium makes its hints of, read back from them; `undefined` when the login did not see them all. */
function metadataOf(identity: Identity): object | undefined {
  const text = (name: string): string | undefined => unquoted(valueOf(identity, name))
  const brands = brandsOf(valueOf(identity, 'sec-ch-ua'))
  const platform = text('sec-ch-ua-platform')
  const architecture = text('sec-ch-ua-arch')
  if (brands.length === 0 || platform === undefined || architecture === undefined) return undefined
  const formFactors = valueOf(identity, 'sec-ch-ua-form-factors')
    ?.split(', ')
    .map((one) => unquoted(one))
  return {
    brands,
    fullVersionList: brandsOf(valueOf(identity, 'sec-ch-ua-full-version-list')),
    fullVersion: text('sec-ch-ua-full-version') ?? '',
    ...{ platform, architecture, formFactors: formFactors ?? ['Desktop'] },
    platformVersion: text('sec-ch-ua-platform-version') ?? '',
    model: text('sec-ch-ua-model') ?? '',
    bitness: text('sec-ch-ua-bitness') ?? '',
    mobile: valueOf(identity, 'sec-ch-ua-mobile') === '?1',
    wow64: valueOf(identity, 'sec-ch-ua-wow64') === '?1',
  }
}

function brandsOf(list: string | undefined): { brand: string; version: string }[] {
  const found = (list ?? '').matchAll(/"((?:[^"\\]|\\.)*)";v="((?:[^"\\]|\\.)*)"/g)
  return [...found].map(([, brand = '', version = '']) => ({
    brand: brand.replace(/\\(.)/g, '$1'),
    version: version.replace(/\\(.)/g, '$1'),
  }))
}

function unquoted(value: string | undefined): string | undefined {
  return value?.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1')
}

function valueOf({ navigationHeaders, clientHints = [] }: Identity, name: string): string | undefined {
  return [...navigationHeaders, ...clientHints].find(([key]) => key.toLowerCase() === name)?.[1]
}
