import { siteOf } from '../policy/public-suffix.ts'
import type { Recipe } from './recipe.ts'

/** The places where a recipe may type its secrets. */
export interface AllowedOrigins {
  /** False too for what is not http or https (`about:blank`, `data:`): nobody knows who wrote such a page. */
  has(url: string): boolean
  /** For messages. */
  readonly list: readonly string[]
}

/**
 * The site of the recipe's URL, scheme included, and what the recipe lists as `domains`: an origin exactly, a domain
 * with its subdomains over https (over http only when the login itself begins there, as on a developer's machine).
 */
export function allowedOrigins(recipe: Pick<Recipe, 'url' | 'domains'>): AllowedOrigins {
  const home = new URL(recipe.url)
  const site = siteOf(home)
  const origins = new Set<string>()
  const domains: string[] = []
  for (const entry of recipe.domains ?? []) {
    if (entry.includes('://')) origins.add(new URL(entry).origin)
    else domains.push(new URL(`https://${entry}/`).hostname) // lower case and punycode, as in a URL
  }
  const isListed = ({ protocol, hostname }: URL): boolean =>
    (protocol === 'https:' || protocol === home.protocol) &&
    domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`))
  return {
    list: [site, ...origins, ...domains],
    has(text) {
      if (!URL.canParse(text)) return false
      const url = new URL(text)
      if (url.protocol !== 'https:' && url.protocol !== 'http:') return false
      return siteOf(url) === site || origins.has(url.origin) || isListed(url)
    },
  }
}
