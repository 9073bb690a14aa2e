import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { SecretMissingError } from '../../src/errors.ts'
import { findSecret } from '../../src/login/secrets.ts'

const place = { recipe: 'my-shop', account: 'alice@shop.test', secrets: undefined }
const own = 'SESSIONBRIDGE_MY_SHOP_ALICE_SHOP_TEST_PASSWORD'
const general = 'SESSIONBRIDGE_MY_SHOP_PASSWORD'

afterEach(() => {
  for (const name of [own, general, `${own}_FILE`, `${general}_FILE`])
    Reflect.deleteProperty(process.env, name)
})

describe('finding a secret', () => {
  test('asks a function with name and account', async () => {
    const secrets = (name: string, account: string): Promise<string> => Promise.resolve(`${account}:${name}`)
    expect(await findSecret('password', { ...place, secrets })).toBe('alice@shop.test:password')
  })

  test('reads a record, own fields only', async () => {
    expect(await findSecret('password', { ...place, secrets: { password: 'x' } })).toBe('x')
    await expect(findSecret('toString', { ...place, secrets: {} })).rejects.toThrow(SecretMissingError)
  })

  test("prefers the account's variable to the recipe's", async () => {
    process.env[general] = 'for everybody'
    expect(await findSecret('password', place)).toBe('for everybody')
    process.env[own] = 'for alice'
    expect(await findSecret('password', place)).toBe('for alice')
  })

  test('reads a file named by a variable, without its last line break', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'secret-'))
    const path = join(folder, 'password')
    await writeFile(path, ' pass word\r\n')
    await chmod(path, 0o600)
    process.env[`${own}_FILE`] = path
    process.env[general] = 'for everybody'
    expect(await findSecret('password', place)).toBe(' pass word')
    await rm(folder, { recursive: true })
  })

  test('does not pass over a file that cannot be read', async () => {
    process.env[`${own}_FILE`] = '/nonexistent/secret'
    process.env[general] = 'for everybody'
    await expect(findSecret('password', place)).rejects.toThrow(/_FILE \(ENOENT\)/)
  })

  test('says where it looked, never a value', async () => {
    await expect(findSecret('password', place)).rejects.toMatchObject({
      code: 'secret-missing',
      secret: 'password',
      message: expect.stringMatching(
        new RegExp(`${own}, ${own}_FILE, environment ${general}, ${general}_FILE`),
      ) as string,
    })
    for (const secrets of [
      () => '',
      () => undefined as unknown as string,
      { password: 7 as unknown as string },
    ]) {
      await expect(findSecret('password', { ...place, secrets })).rejects.toThrow(SecretMissingError)
    }
  })
})
