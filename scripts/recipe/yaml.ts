import { readFile, stat } from 'node:fs/promises'
import { isMap, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { RecipeInvalidError, type DeclaredHeader, type Recipe } from '../../src/index.ts'
import { isShown, runSteps } from './steps.ts'

const words = z.string().min(1)
const targetFields = {
  label: words.optional(),
  placeholder: words.optional(),
  button: words.optional(),
  link: words.optional(),
  text: words.optional(),
  testid: words.optional(),
  css: words.optional(),
}
const targetNames = Object.keys(targetFields)
const oneTarget = `say where with one of ${targetNames.join(', ')}`

const target = z.strictObject(targetFields).refine((fields) => given(fields, targetNames) === 1, oneTarget)
const fill = z
  .strictObject({ ...targetFields, secret: words.optional(), value: z.string().optional() })
  .refine((fields) => given(fields, targetNames) === 1, oneTarget)
  .refine(
    (fields) => given(fields, ['secret', 'value']) === 1,
    'say what with either secret (its name) or value',
  )
const press = z.union(
  [words, z.strictObject({ ...targetFields, key: words })],
  'a key such as Enter, or { key, label }',
)

const step = z
  .strictObject({
    fill: fill.optional(),
    click: target.optional(),
    press: press.optional(),
    goto: words.optional(),
  })
  .refine(
    (fields) => given(fields, ['fill', 'click', 'press', 'goto']) === 1,
    'a step is one of fill, click, press, goto',
  )

const file = z.strictObject({
  name: words,
  url: words,
  login: z.array(step).min(1).optional(),
  verify: target.optional(),
  home: words.optional(),
  probe: words.optional(),
  signOut: words.optional(),
  domains: z.array(words).optional(),
  protect: z.array(words).optional(),
  /** Checked by `defineRecipe`, as the library's are. */
  headers: z
    .array(z.custom<DeclaredHeader>((value) => typeof value === 'object' && value !== null))
    .optional(),
  /** Seconds: the file is written by people. */
  timeout: z.number().positive().optional(),
  context: z
    .strictObject({
      locale: words.optional(),
      timezone: words.optional(),
      userAgent: words.optional(),
      viewport: z.strictObject({ width: z.int().positive(), height: z.int().positive() }).optional(),
    })
    .optional(),
})

export type Target = z.infer<typeof target>
export type Step = z.infer<typeof step>
type File = z.infer<typeof file>

const largest = 1_048_576

/** Reads a recipe in YAML (docs/recipes.md). Throws `RecipeInvalidError` that names line or field, not content. */
export async function readYamlRecipe(path: string): Promise<Recipe> {
  if ((await stat(path)).size > largest) throw new RecipeInvalidError(path, 'it is larger than 1 MiB')
  const checked = file.safeParse(parseYaml(path, await readFile(path, 'utf8')), { reportInput: false })
  if (checked.success) return toRecipe(path, checked.data)
  const [first] = checked.error.issues
  const where = first?.path
    .map((part) => (typeof part === 'number' ? `[${String(part + 1)}]` : `.${String(part)}`))
    .join('')
  throw new RecipeInvalidError(
    path,
    `${where?.replace(/^\./, '') || 'the file'}: ${first?.message ?? 'not a recipe'}`,
  )
}

function parseYaml(path: string, text: string): unknown {
  const lines = new LineCounter()
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    throw new RecipeInvalidError(
      path,
      `line ${String(line)}, column ${String(col)} is not YAML (${error.code})`,
    )
  }
  if (!isMap(document.contents))
    throw new RecipeInvalidError(path, 'it has to begin with fields such as "name: shop"')
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    throw new RecipeInvalidError(path, 'its aliases lead nowhere or to too much')
  }
}

function toRecipe(
  path: string,
  { login, verify, home, probe, signOut, timeout, context, ...rest }: File,
): Recipe {
  const absolute = (text: string): string => {
    if (URL.canParse(text, rest.url)) return new URL(text, rest.url).href
    throw new RecipeInvalidError(
      path,
      'url, home, probe, signOut and goto have to be URLs; all but url may begin with /',
    )
  }
  const steps = login?.map((one) => (one.goto === undefined ? one : { ...one, goto: absolute(one.goto) }))
  return {
    name: rest.name,
    url: rest.url,
    ...(rest.domains !== undefined && { domains: rest.domains }),
    ...(rest.protect !== undefined && { protect: rest.protect }),
    ...(rest.headers !== undefined && { headers: rest.headers }),
    ...(home !== undefined && { home: absolute(home) }),
    ...(probe !== undefined && { probe: absolute(probe) }),
    ...(signOut !== undefined && { signOut: absolute(signOut) }),
    ...(timeout !== undefined && { timeout: timeout * 1_000 }),
    ...(context !== undefined && { context: contextOf(context) }),
    ...(steps !== undefined && { login: (page, tools) => runSteps(steps, page, tools) }),
    ...(verify !== undefined && { verify: (page) => isShown(page, verify) }),
  }
}

function contextOf({
  timezone,
  locale,
  userAgent,
  viewport,
}: NonNullable<File['context']>): Recipe['context'] & object {
  return {
    ...(locale !== undefined && { locale }),
    ...(timezone !== undefined && { timezoneId: timezone }),
    ...(userAgent !== undefined && { userAgent }),
    ...(viewport !== undefined && { viewport }),
  }
}

function given(fields: Readonly<Record<string, unknown>>, names: readonly string[]): number {
  return names.filter((name) => fields[name] !== undefined).length
}
