import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCommandLine, type CommandLine } from './command-line.ts'

// A single file's run may have to compile first.
const compiling = 180_000
/** More than a pipe holds: who has taken it reads. */
const input = Buffer.alloc(1024 * 1024, ' ')
let line: CommandLine

beforeAll(async () => {
  line = await openCommandLine()
  const origin = { origin: 'https://shop.test', localStorage: [{ name: 'a', value: 'b' }] }
  const file = await line.write('state.json', JSON.stringify({ cookies: [], origins: [origin] }))
  const put = ['import', file, 'shop/alice', '--store', join(line.folder, 'store')]
  expect(await line.run(put)).toMatchObject({ code: 0 })
}, compiling)

afterAll(() => line[Symbol.asyncDispose]())

describe('a command that reads stdin', () => {
  test.each([
    ['SIGINT', 130, ['convert', '-', '--to', 'netscape']],
    ['SIGTERM', 143, ['import', '-', 'shop/bob', '--json']],
    ['SIGTERM', 143, ['curl', 'shop/alice', 'https://shop.test/', '-d', '@-']],
  ] as const)('ends at the first %s with %i, although its input does not: %j', async (signal, code, args) => {
    const ended = await line.run([...args, '--store', join(line.folder, 'store')], {
      inputStaysOpen: true,
      meet: (child) => {
        child.stdin.write(input, () => {
          child.kill(signal)
        })
      },
    })
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining('interrupted') as string })
    const said = ended.stdout === '' ? undefined : (JSON.parse(ended.stdout) as object)
    const isJson = (args as readonly string[]).includes('--json')
    expect(said).toEqual(
      isJson
        ? { error: { code: 'interrupted', message: expect.any(String) as string, exitCode: code } }
        : undefined,
    )
  })
})
