import { expect, test } from 'vitest'
import { createVault, generateKey, memoryStore, type StateCookie } from '../../src/index.ts'

function state(value: string) {
  const cookie: StateCookie = {
    ...{ name: 'sid', value, domain: 'shop.test', path: '/', expires: -1, httpOnly: true, secure: true },
  }
  return { cookies: [cookie], origins: [] }
}

test('what is put takes the place of what is saved there in the same moment', async () => {
  const store = memoryStore()
  const key = generateKey()
  const vault = createVault({ store, key })
  await vault.put('shop/alice', { state: state('first') })
  await using open = await vault.open(
    { name: 'shop', url: 'https://shop.test/' },
    { account: 'alice', login: 'never' },
  )
  const read = store.read.bind(store)
  store.read = async (...args) => {
    const found = await read(...args)
    store.read = read
    open.jar.setCookieSync('seen=1; Path=/', 'https://shop.test/')
    await open.save()
    return found
  }
  await vault.put('shop/alice', { state: state('put') })
  const stored = await vault.peek('shop/alice')
  expect(stored?.snapshot.state.cookies.map(({ name, value }) => [name, value])).toEqual([['sid', 'put']])
  expect(stored?.snapshot.epoch).toBe(2)
})
