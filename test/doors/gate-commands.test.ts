import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCommandLine, yamlRecipe, type CommandLine } from './command-line.ts'

// A single file's run may have to compile first.
const compiling = 180_000

let line: CommandLine

beforeAll(async () => {
  line = await openCommandLine()
  const url = line.shop.url('shop.test', '/login')
  await line.write('shop.yaml', yamlRecipe(url))
}, compiling)

afterAll(() => line[Symbol.asyncDispose]())

describe('the gate, explained by the command', () => {
  test('capture --explain says why each thing was kept or cut', async () => {
    const ended = await line.run([
      ...['capture', 'shop.yaml', '--account', 'alice', '--headless', '--explain'],
      ...line.browser,
    ])
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout).toMatch(/\n {2}kept\n/)
    expect(ended.stdout).toMatch(/\n {4}sid +shop\.test\/ +cookie +carrier: HttpOnly/)
    expect(ended.stdout).toMatch(
      /\n {4}auth +https:\/\/shop\.test\S* +localStorage +carrier: the header authorization/i,
    )
    expect(ended.stdout).toMatch(/\n {2}cut\n/)
    expect(ended.stdout).toMatch(
      /\n {4}_ga +\S+ +cookie +tracker: Google Analytics: _ga in the list of analytics names/,
    )
  })

  test('show --explain says it later, and --json in full', async () => {
    const shown = await line.run(['show', 'shop/alice', '--explain'])
    expect(shown.stdout).toMatch(
      /\n {4}_fbp +\S+ +cookie +tracker: Meta pixel: _fbp in the list of advertising names/,
    )
    const { stdout } = await line.run(['show', 'shop/alice', '--explain', '--json'])
    const { explain } = JSON.parse(stdout) as { explain: { kept: unknown[]; cut: unknown[] } }
    expect(explain.kept).toContainEqual(expect.objectContaining({ name: 'csrf', why: 'carrier' }))
    expect(explain.cut).toContainEqual(expect.objectContaining({ name: '_gid', reason: 'tracker' }))
  })

  test('minimize says what suffices, and changes nothing without --apply', async () => {
    const ended = await line.run(['minimize', 'shop/alice', ...line.network])
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout).toMatch(
      /^shop\/alice {2}.* suffice, \d+ not needed · asked \d+ times · nothing changed/,
    )
    const { stdout } = await line.run([
      'minimize',
      'shop/alice',
      '--apply',
      '--keep',
      'sid',
      '--json',
      ...line.network,
    ])
    const found = JSON.parse(stdout) as {
      applied: boolean
      needed: { name: string }[]
      removed: { name: string }[]
    }
    expect(found).toMatchObject({ applied: true, smallest: true })
    expect(found.needed.map(({ name }) => name)).toContain('sid')
    expect(found.removed.length).toBeGreaterThan(3)
    const shown = await line.run(['show', 'shop/alice', '--json'])
    const { cookies } = JSON.parse(shown.stdout) as { cookies: { name: string }[] }
    expect(cookies.map(({ name }) => name).sort()).toEqual(
      found.needed
        .filter((item) => 'kind' in item && item.kind === 'cookie')
        .map(({ name }) => name)
        .sort(),
    )
    expect((await line.run(['check', 'shop/alice', ...line.network])).stdout).toContain('alive')
  })
})
