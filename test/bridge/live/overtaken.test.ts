import type { BrowserContext, Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { type CookieAccess, openCookieAccess } from '../../../src/bridge/context/cookie-access.ts'
import { writeThrough } from '../../../src/bridge/context/cookies.ts'
import { CookieSync } from '../../../src/bridge/live/cookie-sync.ts'
import { judge } from '../../../src/bridge/live/judge.ts'
import { Cell } from '../../../src/state/cell.ts'
import { useStage } from '../context/stage.ts'
import { cookie, cookieIn } from './live-stage.ts'

const stage = useStage()

/** The browser's cookies, and a page that does this each time after we have written and before we read back. */
async function overtaking(context: BrowserContext, page: Page, script: string): Promise<CookieAccess> {
  const access = await openCookieAccess(context)
  return {
    ...access,
    write: async (cookies) => {
      await access.write(cookies)
      await page.evaluate((text) => (document.cookie = text), script)
      await page.evaluate(() => document.cookie) // by then it is in the jar
    },
  }
}

async function onPage<T>(run: (context: BrowserContext, page: Page) => Promise<T>): Promise<T> {
  return stage.inContext(async (context) => {
    const page = await context.newPage()
    await page.goto(stage.shop.url('shop.test', '/blank'))
    return run(context, page)
  })
}

const overtakings = [
  ['deletes', 'a=; path=/; max-age=0', undefined],
  ['writes', 'a=page; path=/', 'page'],
  ['writes again with another expiry', 'a=ours; path=/; max-age=1000', 'ours'],
] as const

describe('a page that is faster than our reading back', () => {
  test.each(overtakings)('and %s our cookie is not taken for a browser that refused it', (_, script, value) =>
    onPage(async (context, page) => {
      const access = await overtaking(context, page, script)
      const { report, kept } = await writeThrough(access, [cookie('a', 'ours')])
      expect(report).toEqual([])
      expect(kept.find(({ name }) => name === 'a')?.value).toBe(value)
    }),
  )

  test.each(overtakings)('and %s our cookie has the last word in the cell', (_, script, value) =>
    onPage(async (context, page) => {
      const cell = new Cell()
      const traffic = { by: 'visit', rule: judge, wrote: () => undefined }
      const real = await openCookieAccess(context)
      let access = await overtaking(context, page, script)
      const sync = new CookieSync(
        { ...real, read: () => access.read(), write: (cookies) => access.write(cookies) },
        cell,
        {},
        traffic,
      )
      sync.adopt({ cookies: [], origins: [] }, [])
      cell.setCookie(cookie('a', 'ours'), 'http')
      sync.touch([cookie('a', 'ours')])
      await sync.step()
      access = real
      await sync.step()
      expect(sync.report).toEqual([])
      expect(cookieIn(cell, 'a')).toBe(value)
    }),
  )

  // The control: what the browser itself does not take is reported, with the same page around.
  test('does not hide what the browser itself makes of a cookie', () =>
    onPage(async (context, page) => {
      const access = await overtaking(context, page, 'b=1; path=/')
      const far = Math.floor(Date.now() / 1000) + 1_000 * 86_400
      const { report } = await writeThrough(access, [cookie('a', 'ours', { expires: far })])
      expect(report).toEqual([expect.objectContaining({ name: 'a' })])
    }))
})
