import { startShop } from './shop.ts'

/**
 * The shop in a process of its own, for tests and benches that kill processes or measure them: `node serve.js`, or
 * with a runner of TypeScript. Prints one line of JSON (`ShopAddress`, for `shopAt`) and serves until SIGTERM.
 * `https://control.test/counters` answers the counters; POST `/revoke?account=alice` ends that account's sessions.
 */
const shop = await startShop({ http2: process.argv.includes('--http2') })

shop.on('control.test', '/counters', (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(shop.counters))
})

shop.on('control.test', '/revoke', (req, res) => {
  const account = new URL(req.url ?? '/', 'https://control.test').searchParams.get('account')
  if (account === 'alice' || account === 'bob' || account === 'carol') shop.revoke(account)
  else shop.revoke()
  res.writeHead(204).end()
})

process.stdout.write(`${JSON.stringify(shop.address)}\n`)
process.once('SIGTERM', () => void shop.close())
