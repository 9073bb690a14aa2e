import { RecipeInvalidError } from '../../errors.ts'
import { createNodeTransport, NodeWire } from '../../http/wire/node-wire.ts'
import type { HttpOptions } from '../../http/options.ts'
import type { Transport } from '../../http/wire/wire.ts'
import { allowedOrigins } from '../allowed-origins.ts'
import type { Recipe } from '../recipe.ts'

/**
 * The wire of a sign-in: it leads only to the places where the recipe may show its secrets, redirects included, and
 * refuses before a connection is opened.
 */
export function guardedTransport(
  recipe: Pick<Recipe, 'name' | 'url' | 'domains'>,
  options: HttpOptions,
): Transport {
  const allowed = allowedOrigins(recipe)
  const wire = createNodeTransport(new NodeWire(options))
  return {
    async send(request, cancellation) {
      if (allowed.has(request.url.href)) return wire.send(request, cancellation)
      throw new RecipeInvalidError(
        recipe.name,
        `its sign-in leads to ${request.url.origin}, allowed are ${allowed.list.join(', ')}. If that is part of the ` +
          "login, add it to the recipe's domains",
      )
    },
    close: () => wire.close(),
  }
}
