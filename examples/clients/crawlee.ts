import { crawleeClient, createVault, fileStore } from 'sessionbridge'
import { loadCrawlee, type Crawling } from '../../test/site/foreign-clients.ts'
import shop from '../shop.ts'

const { CheerioCrawler, Configuration, log } = await loadCrawlee() // in your program: import … from 'crawlee'
log.setLevel(0)

const vault = createVault({ store: fileStore('.sessions'), key: process.env['SESSIONBRIDGE_KEY'] })
await using session = await vault.open(shop, { account: 'alice' })
let rows = 0
const crawler = new CheerioCrawler(
  {
    httpClient: crawleeClient(session), // or a list of sessions: each entry of Crawlee's pool keeps one of them
    requestHandler({ body }: Crawling) {
      rows += String(body).match(/data-order=/g)?.length ?? 0
    },
  },
  new Configuration({ persistStorage: false }),
)

const pages = Array.from({ length: 5 }, (_, page) => new URL(`/orders/${String(page + 1)}`, shop.url).href)
const { requestsFinished } = await crawler.run(pages)
console.log(`crawlee: ${String(requestsFinished)} pages, ${String(rows)} orders`)
