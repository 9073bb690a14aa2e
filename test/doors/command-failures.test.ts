import { chmod, readdir } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCommandLine, yamlRecipe, type CommandLine } from './command-line.ts'
import { processesWith, type Child } from './terminal.ts'

// A single file's run may have to compile first.
const compiling = 180_000

let line: CommandLine
let recipe: string

beforeAll(async () => {
  line = await openCommandLine()
  recipe = await line.write('shop.yaml', yamlRecipe(line.shop.url('shop.test', '/login')))
}, compiling)

afterAll(() => line[Symbol.asyncDispose]())

/** One sentence on stderr, no stack, nothing on stdout. */
function expectSentence(
  ended: { code: number | null; stdout: string; stderr: string },
  code: number,
  says: RegExp,
): void {
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' })
  expect(ended.stderr).toMatch(says)
  expect(ended.stderr).not.toMatch(/^\s+at /m)
  expect(
    ended.stderr
      .trim()
      .split('\n')
      .filter((text) => text.startsWith('sessionbridge:')),
  ).toHaveLength(1)
}

describe('bad input gets one sentence that says what to do', () => {
  test('an unknown session, in a store that is not there yet', async () => {
    expectSentence(
      await line.run(['show', 'shop/nobody']),
      1,
      /no stored session shop\/nobody; nothing is stored yet/,
    )
    expectSentence(await line.run(['curl', 'shop/nobody', 'https://shop.test/']), 1, /no stored session/)
    expectSentence(await line.run(['remove', 'shop/nobody', '--yes']), 1, /no stored session/)
    // Looking made no key and no store.
    expect(await readdir(line.folder)).not.toContain('.local')
  })

  test.each([
    ['a name of nothing', ['show', '']],
    ['a name with control characters', ['show', 'shop/\u0007']],
    ['a URL that is none', ['curl', 'shop/alice', 'shop.test/api']],
    ['a method that is none', ['curl', 'shop/alice', 'https://shop.test/', '-X', 'G E T']],
    ['a header that is none', ['curl', 'shop/alice', 'https://shop.test/', '-H', 'nonsense']],
    ['a body file that is not there', ['curl', 'shop/alice', 'https://shop.test/', '-d', '@missing']],
    ['an address that is none', ['check', 'shop/alice', '--resolve', 'shop.test:here']],
    ['a certificate file that is not there', ['check', 'shop/alice', '--cacert', 'missing.pem']],
    ['a time that is none', ['check', 'shop/alice', '--timeout', 'soon']],
    ['a recipe file that is not there', ['capture', 'missing.yaml']],
    ['a site without its scheme', ['capture', 'shop.example/login']],
  ])('%s', async (_what, args) => {
    expectSentence(await line.run(args), 1, /^sessionbridge: .+\.$/m)
  })

  test('an unknown option or sub-command', async () => {
    expect(await line.run(['list', '--nonsense'])).toMatchObject({ code: 1, stdout: '' })
    expect(await line.run(['dance'])).toMatchObject({ code: 1, stdout: '' })
  })

  test('--help names the exit codes', async () => {
    const help = await line.run(['--help'])
    expect(help.code).toBe(0)
    expect(help.stdout).toMatch(/2 {2}the session is dead/)
    expect(help.stdout).toMatch(/5 {2}the store or its key/)
    const unread = await line.run(['--help'], { meet: (child) => child.stdout.destroy() })
    expect(unread).toMatchObject({ code: 0, stderr: '' })
  })

  test.each([
    ['not YAML', 'name: [shop', /line \d+, column \d+ is not YAML/],
    ['not a recipe', '- 1\n- 2\n', /has to begin with fields/],
    [
      'a misspelt field',
      'name: shop\nurl: https://shop.test/\nlogin:\n  - fill: { lable: Email, secret: email }\n',
      /login\[1\]\.fill: .*lable/,
    ],
    [
      'two ways in one step',
      'name: shop\nurl: https://shop.test/\nlogin:\n  - { goto: /a, press: Enter }\n',
      /login\[1\]: a step is one of/,
    ],
    ['no url', 'name: shop\n', /url/],
    ['a url of another kind', 'name: shop\nurl: ftp://shop.test/\n', /"url" must be/],
    ['a name that is none', 'name: "../shop"\nurl: https://shop.test/\n', /"name" must be/],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nname: [*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      /aliases|Unrecognized/,
    ],
  ])('a YAML recipe that is %s', async (_what, text, says) => {
    const path = await line.write('broken.yaml', text)
    expectSentence(await line.run(['capture', path, '--headless']), 1, says)
  })

  test.each([
    ['does not parse', 'export default {{{', /could not be loaded/],
    ['exports no recipe', 'export default 7', /exports no recipe/],
    [
      'exports two',
      'export const a = { name: "a", url: "https://a.test/" }, b = { name: "b", url: "https://b.test/" }',
      /exports 2 recipes/,
    ],
    ['throws while it loads', 'throw new Error("canary-in-an-error")', /could not be loaded \(Error\)/],
    ['imports what is not there', 'import "no-such-package"; export default {}', /no-such-package/],
  ])('a JavaScript recipe that %s', async (_what, text, says) => {
    const path = await line.write('broken.mjs', text)
    const ended = await line.run(['capture', path, '--headless'])
    expectSentence(ended, 1, says)
    expect(ended.stderr).not.toContain('canary-in-an-error')
  })

  test('a missing browser', async () => {
    const ended = await line.run([
      'capture',
      recipe,
      '--headless',
      ...line.browser,
      '--browser',
      '/no/such/browser',
    ])
    expectSentence(ended, 1, /No browser to run the login in/)
  })

  test('a missing secret: what to set', async () => {
    const ended = await line.run(['capture', recipe, '--account', 'dora', '--headless', ...line.browser])
    expectSentence(ended, 1, /SESSIONBRIDGE_SHOP_DORA_EMAIL/)
  })

  test('a URL alone without a window needs a person', async () => {
    const url = line.shop.url('shop.test', '/login')
    expectSentence(await line.run(['capture', url, '--headless']), 3, /needs a person/)
    expectSentence(await line.run(['capture', url]), 3, /no screen/)
    expectSentence(await line.run(['capture', recipe]), 1, /add --headless/)
  })

  test('a wrong password is refused, in seconds, with a screenshot', async () => {
    // Whoever waited for the end of its time would wait beyond the end of this test.
    const patient = ['--timeout', '600']
    const ended = await line.run(
      [
        ...['capture', recipe, '--account', 'alice', '--headless', '--screenshots', 'shots', ...patient],
        ...line.browser,
      ],
      { env: { SESSIONBRIDGE_SHOP_ALICE_PASSWORD: `${line.shop.canary}-wrong` } },
    )
    expectSentence(ended, 4, /rejected/)
    expect((await readdir(join(line.folder, 'shots'))).length).toBeGreaterThan(0)
    const shaped = await line.run([
      'capture',
      recipe,
      '--account',
      'dora',
      '--headless',
      '--json',
      ...line.browser,
    ])
    expect(JSON.parse(shaped.stdout)).toMatchObject({ error: { code: 'secret-missing', exitCode: 1 } })
  })

  test('a wrong label says which step did not find it', async () => {
    const path = await line.write(
      'wrong.yaml',
      yamlRecipe(line.shop.url('shop.test', '/login')).replace('label: Email', 'label: Name of cat'),
    )
    expectSentence(
      await line.run(['capture', path, '--account', 'alice', '--headless', ...line.browser]),
      1,
      /step 1, fill label "Name of cat"/,
    )
  })
})

describe('the store and its key', () => {
  test('another key, a readable key file, an empty one and a missing one end with 5 and lose nothing', async () => {
    expect(
      await line.run(['capture', recipe, '--account', 'alice', '--headless', ...line.browser]),
    ).toMatchObject({ code: 0 })
    const key = (await line.run(['keygen'], { secretResult: true })).stdout.trim()
    expect(key).toMatch(/^\S{40,}$/)

    expectSentence(
      await line.run(['show', 'shop/alice'], { env: { SESSIONBRIDGE_KEY: key } }),
      5,
      /does not open \(wrong-key\)/,
    )
    expectSentence(
      await line.run(['show', 'shop/alice'], { env: { SESSIONBRIDGE_KEY: 'nonsense' } }),
      5,
      /key is not usable/,
    )
    const forced = await line.run(
      ['capture', recipe, '--account', 'alice', '--headless', '--force', ...line.browser],
      { env: { SESSIONBRIDGE_KEY: key } },
    )
    expectSentence(forced, 5, /does not open/)
    expectSentence(
      await line.run(['show', 'shop/alice', '--key-file', 'missing']),
      5,
      /no key file at missing/,
    )
    const empty = await line.write('empty.key', '')
    expectSentence(await line.run(['show', 'shop/alice', '--key-file', empty]), 5, /is empty/)
    const loose = await line.write('loose.key', `${key}\n`)
    await chmod(loose, 0o644)
    expectSentence(await line.run(['show', 'shop/alice', '--key-file', loose]), 5, /chmod 600/)

    const listed = await line.run(['list'], { env: { SESSIONBRIDGE_KEY: key } })
    expect(listed.code).toBe(5)
    expect(listed.stdout).toContain('shop/alice')
    // And with its own key it is what it was.
    expect(await line.run(['check', 'shop/alice', ...line.network])).toMatchObject({ code: 0 })
  })

  test('a place where no store can be made', async () => {
    const below = join(line.folder, 'ca.pem', 'sessions') // a file has nothing below it
    const ended = await line.run([
      'capture',
      recipe,
      '--account',
      'alice',
      '--headless',
      '--store',
      below,
      ...line.browser,
    ])
    expectSentence(ended, 5, /cannot be read \(ENOTDIR\): choose/)
  })

  test('a store whose key is not at hand gets no new one', async () => {
    const store = join(line.folder, '.local/share/sessionbridge')
    const away = await line.run(
      ['capture', recipe, '--account', 'bob', '--headless', '--store', store, ...line.browser],
      {
        env: { HOME: line.folder },
      },
    )
    expect(away.code).toBe(0) // its own key file stands beside it
    const { rename } = await import('node:fs/promises')
    await rename(`${store}.key`, `${store}.key.away`)
    expectSentence(
      await line.run(['capture', recipe, '--account', 'bob', '--headless', ...line.browser]),
      5,
      /key is not at hand/,
    )
    await rename(`${store}.key.away`, `${store}.key`)
  })

  test('keys are taken from a file of several lines: the first seals, all open', async () => {
    const keys = await Promise.all(
      [1, 2].map(async () => (await line.run(['keygen'], { secretResult: true })).stdout),
    )
    const old = await line.write('old.key', keys[0] ?? '')
    const both = await line.write('both.key', [...keys].reverse().join(''))
    const args = ['--store', join(line.folder, 'rotated'), '--key-file']
    const captured = await line.run([
      'capture',
      recipe,
      '--account',
      'bob',
      '--headless',
      ...line.browser,
      ...args,
      old,
    ])
    expect(captured).toMatchObject({ code: 0 })
    expect(await line.run(['show', 'shop/bob', ...args, both])).toMatchObject({ code: 0 })
  })
})

describe('signals', () => {
  test.each([
    ['SIGHUP', null], // dies of it, which shells call 129
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s closes the browser and ends with %s', async (signal, code) => {
    // Playwright leaves what it had made for a browser that was not there to be started.
    const profiles = async () => (await readdir(line.folder)).filter((name) => name.startsWith('playwright'))
    const before = await profiles()
    const mark = `--sessionbridge-mark=${randomUUID()}`
    let child: Child | undefined
    let inArguments: Promise<number[]> | undefined
    // The signal comes in the middle of a login, when the password has been typed and the site has not yet answered.
    line.shop.on('shop.test', '/api/login', async () => {
      inArguments ??= processesWith(line.shop.canary)
      await inArguments
      child?.kill(signal)
    })
    const ended = await line.run(
      [
        'capture',
        recipe,
        '--account',
        'alice',
        '--force',
        '--headless',
        ...line.browser,
        '--browser-arg',
        mark,
      ],
      {
        meet: (started) => {
          child = started
        },
      },
    )
    expect(await inArguments).toEqual([])
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toContain('interrupted')
    expect(await processesWith(mark)).toEqual([])
    expect(await profiles()).toEqual(before)
  })
})

test('no failure has printed a secret', () => {
  expect(line.printed.length).toBeGreaterThan(30)
  expect(line.printed.join('\n')).not.toContain(line.shop.canary)
})
