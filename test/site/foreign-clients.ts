import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright'
import type { ImpitClass } from '../../src/index.ts'
import { installed } from './installed.ts'

/**
 * The clients that are not ours, as they are published: impit's platform binaries are not for every lockfile, and Crawlee
 * brings eighty packages. One folder for all, so that they are installed once.
 */
const packages = {
  impit: '0.14.5',
  axios: '1.21.1',
  '@crawlee/cheerio': '3.18.1',
  '@crawlee/playwright': '3.18.1',
}

/** Downloads them where that has not been done; it may take a minute where the network is slow. */
export async function installForeignClients(): Promise<string> {
  return installed({ packages })
}

async function load(name: keyof typeof packages | '@crawlee/basic' | '@crawlee/core'): Promise<unknown> {
  const folder = await installForeignClients()
  return createRequire(join(folder, 'package.json'))(name)
}

export interface ImpitSettings {
  readonly browser?: string
  readonly cookieJar?: object
  readonly followRedirects?: boolean
  readonly proxyUrl?: string
  readonly headers?: Readonly<Record<string, string>>
}

export async function loadImpit(): Promise<{ readonly Impit: ImpitClass<ImpitSettings> }> {
  return (await load('impit')) as { Impit: ImpitClass<ImpitSettings> }
}

export interface Axios {
  create(defaults: object): (url: string, asked?: object) => Promise<AxiosAnswer>
}

export interface AxiosAnswer {
  readonly status: number
  readonly data: unknown
  readonly headers: Readonly<Record<string, unknown>>
}

export async function loadAxios(): Promise<Axios> {
  return (await load('axios')) as Axios
}

/** What a crawler's handlers are given, as far as we look. */
export interface Crawling {
  readonly request: { readonly url: string; readonly loadedUrl?: string; readonly userData: unknown }
  readonly body: string | Buffer
  readonly response: { readonly statusCode: number }
  readonly session?: { readonly id: string; isUsable(): boolean }
  readonly page: Page
  readonly sendRequest: (asked?: object) => Promise<{ readonly statusCode: number; readonly body: string }>
}

export interface Crawler {
  run(urls: readonly (string | object)[]): Promise<{ requestsFinished: number; requestsFailed: number }>
  teardown(): Promise<void>
}

type CrawlerClass = new (options: object, configuration: object) => Crawler

export interface Crawlee {
  readonly BasicCrawler: CrawlerClass
  readonly CheerioCrawler: CrawlerClass
  readonly log: { setLevel(level: number): void }
  readonly Configuration: new (options: object) => object
  readonly ProxyConfiguration: new (options: object) => object
}

export async function loadCrawlee(): Promise<Crawlee> {
  return { ...((await load('@crawlee/cheerio')) as Crawlee) }
}

export async function loadPlaywrightCrawler(): Promise<CrawlerClass> {
  return ((await load('@crawlee/playwright')) as { PlaywrightCrawler: CrawlerClass }).PlaywrightCrawler
}
