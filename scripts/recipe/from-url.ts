import { defineRecipe, type Recipe } from '../../src/index.ts'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'

/** A recipe without login for the page at `url`: a person signs in. */
export function recipeOfUrl(url: string, name: string | undefined): Recipe {
  try {
    return defineRecipe({ name: name ?? nameOfSite(new URL(url).hostname), url })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // The URL itself is not repeated: it may carry a token.
    const why =
      name === undefined
        ? 'That is not the URL of a login page'
        : `--name or the URL is not usable: ${error.message}`
    throw new CommandError('usage', exitCodes.other, `${why}.`, { cause: error })
  }
}

/**
 * `www.shop.example` → `shop`, `accounts.shop.example` → `accounts.shop`: short, and the same each time. Two sites
 * may come to one name; `capture` refuses to write one over the other.
 */
function nameOfSite(hostname: string): string {
  const host = hostname.replace(/^www\./, '')
  const isAddress = host.startsWith('[') || /^[\d.]+$/.test(host)
  const words = isAddress ? host.replace(/[[\]]/g, '').replaceAll(':', '-') : host.replace(/\.[^.]+$/, '')
  return words.slice(0, 64)
}
