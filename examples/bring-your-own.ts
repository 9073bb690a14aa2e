import { chromium } from 'playwright'
import { applyState, captureState, findBrowser, toCookieJar } from 'sessionbridge'

const site = process.env['SHOP'] ?? 'https://shop.example'
const { executablePath } = await findBrowser()
const browser = await chromium.launch({ executablePath })
const first = await browser.newContext()
await (await first.newPage()).goto(site)

const { state, report } = await captureState(first) // cookies, localStorage, sessionStorage, IndexedDB
for (const item of report) console.log(`${item.kind} ${item.name} of ${item.where}: ${item.reason}`)

const jar = toCookieJar(state) // tough-cookie's type, Chromium's behaviour
console.log(`${String((await jar.getCookies(site)).length)} cookies for ${site}`)

const second = await browser.newContext()
await applyState(second, state) // item by item; nothing fails as a batch
await browser.close()
