import { stat } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { defineRecipe, RecipeInvalidError, type Recipe } from '../../src/index.ts'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import { recipeOfUrl } from './from-url.ts'

export interface LoadedRecipe {
  readonly recipe: Recipe
  /** False for a URL alone: its name is a guess, and a person signs in. */
  readonly isNamed: boolean
}

const modules = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'])
const texts = new Set(['.yaml', '.yml'])

/**
 * A recipe from a file (`.ts`, `.js`, `.yaml`) or from the URL of a login page. Throws `RecipeInvalidError` or
 * `CommandError`, neither of which quotes what the file holds.
 */
export async function loadRecipe(target: string, name: string | undefined): Promise<LoadedRecipe> {
  if (/^https?:\/\//i.test(target)) return { recipe: recipeOfUrl(target, name), isNamed: name !== undefined }
  const path = resolve(target)
  await assertFile(target, path)
  const recipe = await readRecipe(path)
  return { recipe: name === undefined ? recipe : defined(path, { ...recipe, name }), isNamed: true }
}

async function readRecipe(path: string): Promise<Recipe> {
  const kind = extname(path).toLowerCase()
  if (texts.has(kind)) {
    const { readYamlRecipe } = await import('./yaml.ts')
    return defined(path, await readYamlRecipe(path))
  }
  if (!modules.has(kind)) throw new RecipeInvalidError(path, 'its name has to end in .ts, .js or .yaml')
  return defined(path, pickRecipe(path, await importModule(path)))
}

async function importModule(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const library = await import('../../src/index.ts')
  const jiti = createJiti(import.meta.url, {
    // A recipe says `import { defineRecipe } from 'sessionbridge'`, also where the package is installed globally and
    // cannot be found from the recipe's folder. The very module we run on, so that there is one copy of each class.
    virtualModules: { sessionbridge: library },
    // The cache would leave copies of recipes in the temporary folder.
    fsCache: false,
  })
  try {
    return await jiti.import(path)
  } catch (error) {
    throw new RecipeInvalidError(path, `it could not be loaded (${loadFailure(error)})`, { cause: error })
  }
}

/** The default export, or the only export that looks like a recipe. */
function pickRecipe(path: string, module: unknown): Recipe {
  const exports = typeof module === 'object' && module !== null ? (module as Record<string, unknown>) : {}
  if (isRecipe(exports['default'])) return exports['default']
  const recipes = [...new Set(Object.values(exports).filter(isRecipe))]
  const [only] = recipes
  if (only !== undefined && recipes.length === 1) return only
  const found = recipes.length === 0 ? 'it exports no recipe' : `it exports ${String(recipes.length)} recipes`
  throw new RecipeInvalidError(path, `${found}; export one with "export default defineRecipe({ … })"`)
}

function isRecipe(value: unknown): value is Recipe {
  return typeof value === 'object' && value !== null && 'name' in value && 'url' in value
}

function defined(path: string, recipe: Recipe): Recipe {
  try {
    return defineRecipe(recipe)
  } catch (error) {
    if (error instanceof TypeError) throw new RecipeInvalidError(path, error.message, { cause: error })
    throw error
  }
}

/** What the language says is wrong may be repeated; what the recipe's own code throws may quote a secret. */
function loadFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'something was thrown'
  const { code } = error as NodeJS.ErrnoException
  const isLanguage =
    /^(SyntaxError|ReferenceError|TypeError)$/.test(error.name) || code?.includes('MODULE') === true
  const [first = ''] = error.message.split('\n')
  return isLanguage ? first : error.name
}

async function assertFile(target: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() === true) return
  const hint =
    /^[\w.-]+\.[a-z]{2,}(?:[:/]|$)/i.test(target) && extname(target) !== '.yaml'
      ? ' For a site, write https:// in front.'
      : ''
  throw new CommandError('recipe-invalid', exitCodes.other, `There is no recipe file ${target}.${hint}`)
}
