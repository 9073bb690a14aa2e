import { createVault, fileStore } from '../../src/index.ts'

/**
 * The process that `cold-start.ts` measures: opens a stored session and asks for one page with it. Arguments: client,
 * store folder, URL; the key comes from the environment, as with any program.
 */
const [client = 'fetch', folder = '', url = ''] = process.argv.slice(2)
const vault = createVault({ store: fileStore(folder), key: process.env.SESSIONBRIDGE_KEY ?? '' })
const session = await vault.open({ name: 'bench', url }, { account: 'alice', login: 'never' })
const text = client === 'fetch' ? await (await session.fetch(url)).text() : await session.http(url).text()
process.exit(text.includes('orders') ? 0 : 1)
