import { chromium } from 'playwright'
import { describe, expect, test } from 'vitest'
import { captureState } from './patient-capture.ts'
import { browserContextId, markerDomain } from '../../../src/bridge/context/context-id.ts'
import { readCookies, writeCookies } from '../../../src/bridge/context/cookies.ts'
import { serverObject } from '../../../src/bridge/context/playwright-server.ts'
import { chromiumPath } from '../../site/chromium.ts'
import { cookie } from '../live/live-stage.ts'
import { originIn, useStage } from './stage.ts'

const stage = useStage()

/** A browser behind a socket: Playwright's own objects are out of reach there, and the public ways are gone. */
async function withFarBrowser<T>(
  run: (browser: Awaited<ReturnType<typeof connect>>) => Promise<T>,
): Promise<T> {
  const server = await chromium.launchServer({
    executablePath: await chromiumPath(),
    chromiumSandbox: false,
    args: [...stage.shop.browserArgs],
  })
  try {
    const browser = await connect(server.wsEndpoint())
    return await run(browser)
  } finally {
    await server.close()
  }
}

const connect = (address: string) => chromium.connect(address)

describe('a browser of another process', () => {
  test('is captured as one of this process is: open pages, closed origins, contexts kept apart', async () => {
    await withFarBrowser(async (browser) => {
      const [one, other] = [await browser.newContext(), await browser.newContext()]
      expect(serverObject(one)).toBeUndefined()
      await writeCookies(one, [cookie('of', 'one')])
      await writeCookies(other, [cookie('of', 'other')])
      const page = await one.newPage()
      await page.goto(stage.shop.url('id.test', '/seed'))
      await page.goto(stage.shop.url('shop.test', '/seed'))
      const { state, report } = await captureState(one)
      expect(report).toEqual([])
      expect(state.cookies.map(({ value }) => value)).toEqual(['one'])
      for (const host of ['id.test', 'shop.test'])
        expect(originIn(state, stage.origin(host))?.localStorage).toHaveLength(3)
      expect((await readCookies(other)).cookies.map(({ value }) => value)).toEqual(['other'])
    })
  })

  test('tells a context by its page as by a marker, and as Playwright does in this process', async () => {
    await withFarBrowser(async (browser) => {
      const context = await browser.newContext()
      const session = await browser.newBrowserCDPSession()
      const byMarker = await browserContextId(session, context)
      const page = await context.newPage()
      const { targetInfo } = await (await context.newCDPSession(page)).send('Target.getTargetInfo')
      expect(targetInfo.browserContextId).toBe(byMarker)
      expect((await context.cookies()).filter(({ domain }) => domain === markerDomain)).toEqual([])
    })
    await stage.inContext(async (context) => {
      const session = await stage.browser.newBrowserCDPSession()
      const id = await browserContextId(session, context)
      const page = await context.newPage()
      const { targetInfo } = await (await context.newCDPSession(page)).send('Target.getTargetInfo')
      expect(targetInfo.browserContextId).toBe(id)
      await session.detach()
    })
  })
})
