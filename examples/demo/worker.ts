import type { Session } from 'sessionbridge'
import { shopAt } from '../../test/site/address.ts'
import type { News, Task } from './messages.ts'
import { demoVault, shopRecipe } from './recipe.ts'

/** A scraper, in a process of its own so that the demo can kill it. The second one is started just like the first. */
process.once('message', (task: Task) => {
  work(task)
    .catch((error: unknown) =>
      tell({ kind: 'failed', message: error instanceof Error ? error.message : 'unknown' }),
    )
    .finally(() => {
      process.disconnect()
    })
})

async function work(task: Task): Promise<void> {
  const shop = shopAt(task.shop)
  const start = performance.now()
  await using session = await demoVault(task).open(shopRecipe(shop.url('shop.test', '/login')), {
    account: 'alice',
  })
  await tell(await opened(session, performance.now() - start))

  await callApi(session, 'GET', shop.url('api.shop.test', '/orders'))
  await callApi(session, 'POST', shop.url('shop.test', '/api/cart'))
  const ordersUrl = (page: number): string => shop.url('shop.test', `/orders/${String(page)}`)
  await fetchPages(session, ordersUrl, task)
  await fetchAgain(session, ordersUrl, task.to)
  await browsePages(session, (path) => shop.url('shop.test', path), task.browserPages)
}

async function callApi(session: Session, method: string, url: string): Promise<void> {
  const content = method === 'POST' ? { json: { item: 'Lamp no. 1' } } : {}
  const { statusCode } = await session.http(url, { method, ...content, throwHttpErrors: false })
  await tell({ kind: 'called', method, url, status: statusCode })
}

async function fetchPages(session: Session, urlOf: (page: number) => string, task: Task): Promise<void> {
  let start = 0
  for (let page = task.from; page <= task.to; page++) {
    const html = await session.http(urlOf(page)).text()
    if (!showsOrders(html, page)) throw new Error(`Page ${String(page)} holds no orders`)
    if (page === task.from) start = performance.now()
    void tell({ kind: 'page', page, elapsed: performance.now() - start })
  }
}

/** All pages once more by the other client, for comparison. */
async function fetchAgain(session: Session, urlOf: (page: number) => string, pages: number): Promise<void> {
  await session.fetch(urlOf(1))
  const start = performance.now()
  for (let page = 1; page <= pages; page++) {
    const html = await (await session.fetch(urlOf(page))).text()
    if (!showsOrders(html, page)) throw new Error(`Page ${String(page)} holds no orders`)
  }
  await tell({ kind: 'fetched', pages, took: performance.now() - start })
}

/** Ten orders a page; a page for strangers has none. */
function showsOrders(html: string, page: number): boolean {
  return html.includes(`data-order="${String(page * 10)}"`)
}

/** The same session in a browser: for comparison, and for a figure that only the page's script can compute. */
async function browsePages(session: Session, urlOf: (path: string) => string, pages: number): Promise<void> {
  await session.browse(async (page) => {
    await page.goto(urlOf('/orders/1'))
    const start = performance.now()
    for (let n = 1; n <= pages; n++) await page.goto(urlOf(`/orders/${String(n)}`))
    const took = performance.now() - start
    await page.goto(urlOf('/report'))
    const total = await page.getByTestId('total').textContent()
    await tell({ kind: 'browsed', pages, took, total: total ?? '' })
  })
}

async function opened(session: Session, took: number): Promise<News> {
  const { cookies, origins } = session.state
  return {
    kind: 'opened',
    isNew: session.isNew,
    liveness: await session.check(),
    took,
    cookies: cookies.map(({ name, domain }) => ({ name, domain })),
    storage: origins.flatMap(({ origin, localStorage, sessionStorage = [], indexedDB = [] }) => [
      ...localStorage.map(({ name }) => ({ kind: 'localStorage', name, origin })),
      ...sessionStorage.map(({ name }) => ({ kind: 'sessionStorage', name, origin })),
      ...indexedDB.map(({ name }) => ({ kind: 'indexedDB', name, origin })),
    ]),
    dropped: session.dropped,
    headerRules: session.headerRules,
    bytes: session.snapshotBytes,
  }
}

function tell(news: News): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(news, undefined, {}, (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}
