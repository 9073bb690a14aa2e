import { expect, test } from 'vitest'
import { CookieEars } from '../../../src/bridge/live/cookie-ears.ts'
import { useStage } from '../context/stage.ts'

const stage = useStage()

test('a cookie that a script changes is heard of in each document, unseen by the page, until the ears are stopped', async () => {
  await stage.inContext(async (context) => {
    let told = 0
    const ears = new CookieEars(context, () => (told += 1))
    const page = await context.newPage()
    const write = (value: string): Promise<unknown> =>
      page.evaluate((text) => (document.cookie = `a=${text}; path=/`), value)
    for (const path of ['/blank', '/blank?again', '/seed']) {
      told = 0
      await page.goto(stage.shop.url('shop.test', path))
      await expect.poll(() => told).toBe(1) // it listens by now, and whatever was written before is to be read
      await write(path)
      await expect.poll(() => told).toBe(2)
      await page.evaluate(() => cookieStore.delete('a'))
      await expect.poll(() => told).toBe(3)
    }
    expect(
      await page.evaluate(() => Object.keys(window).filter((name) => /^sessionbridge/.test(name))),
    ).toEqual([])
    await ears.stop()
    await write('late')
    // The browser tells the page of the same change: had it told us, it would have done so before.
    await page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          cookieStore.addEventListener('change', () => {
            resolve()
          })
          document.cookie = 'b=1; path=/'
        }),
    )
    expect(told).toBe(3)
  })
})
