import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { Cell } from '../../../src/state/cell.ts'
import { itemsIn, stateOf, useStage, item } from '../context/stage.ts'
import {
  cookie,
  cookieIn,
  goLive,
  itemIn,
  setItem,
  whenCell,
  whenPageCookie,
  whenPageItem,
} from './live-stage.ts'

const stage = useStage()
const blank = (host = 'shop.test'): string => stage.shop.url(host, '/blank')

describe('a cookie, while the visit lives', () => {
  test('goes from the cell to the page, changed and deleted', async () => {
    await stage.inContext(async (context) => {
      const { live, cell } = await goLive(context, new Cell({ cookies: [cookie('a', '1')], origins: [] }))
      const page = await context.newPage()
      await page.goto(blank())
      await whenPageCookie(page, 'a', '1')
      cell.setCookie(cookie('a', '2'), 'http')
      await whenPageCookie(page, 'a', '2')
      cell.removeCookie(cookie('a', '2'), 'http')
      await whenPageCookie(page, 'a', undefined)
      await live.finish()
      expect(cookieIn(cell, 'a')).toBeUndefined()
    })
  })

  test('goes from a page and from an answer to the cell, httpOnly too, changed and deleted', async () => {
    await stage.inContext(async (context) => {
      const { live, cell } = await goLive(context)
      const page = await context.newPage()
      await page.goto(blank())
      await page.evaluate(() => (document.cookie = 'script=1; path=/'))
      await whenCell(
        cell,
        () => cookieIn(cell, 'script'),
        (value) => value === '1',
      )
      await page.goto(
        stage.shop.url('shop.test', `/set-cookie?line=${encodeURIComponent('sid=x; HttpOnly; Path=/')}`),
      )
      await whenCell(
        cell,
        () => cookieIn(cell, 'sid'),
        (value) => value === 'x',
      )
      expect(cell.state.cookies.find(({ name }) => name === 'sid')?.httpOnly).toBe(true)
      await page.goto(
        stage.shop.url('shop.test', `/set-cookie?line=${encodeURIComponent('sid=; Max-Age=0; Path=/')}`),
      )
      await whenCell(
        cell,
        () => cookieIn(cell, 'sid'),
        (value) => value === undefined,
      )
      await page.evaluate(() => (document.cookie = 'script=; path=/; max-age=0'))
      await whenCell(
        cell,
        () => cookieIn(cell, 'script'),
        (value) => value === undefined,
      )
      await live.finish()
    })
  })

  test('that the browser cannot take is reported and stays in the cell', async () => {
    await stage.inContext(async (context) => {
      const { live, cell } = await goLive(context)
      cell.setCookie(cookie('__Host-bad', 'x', { domain: '.shop.test' }), 'http')
      cell.setCookie(cookie('good', 'y'), 'http')
      await live.settle()
      const { report } = await live.finish()
      expect(report.map(({ name }) => name)).toContain('__Host-bad')
      expect(cookieIn(cell, '__Host-bad')).toBe('x')
      expect((await context.cookies()).map(({ name }) => name)).toEqual(['good'])
    })
  })

  test('of a tracker does not reach the cell', async () => {
    await stage.inContext(async (context) => {
      const { live, cell } = await goLive(context)
      const page = await context.newPage()
      await page.goto(blank())
      await page.evaluate(() => {
        document.cookie = '_ga=GA1.1.1.1; path=/'
        document.cookie = 'own=1; path=/'
        localStorage.setItem('_gcl_ls', 'x')
        localStorage.setItem('own', '1')
      })
      await live.settle()
      expect(cell.state.cookies.map(({ name }) => name)).toEqual(['own'])
      expect(cell.origin(stage.origin('shop.test'))?.localStorage).toEqual([item('own', '1')])
      await live.finish()
      expect(cell.state.cookies.map(({ name }) => name)).toEqual(['own'])
    })
  })
})

describe.each(['localStorage', 'sessionStorage'] as const)('%s, while the visit lives', (kind) => {
  test('goes both ways, changed and deleted', async () => {
    await stage.inContext(async (context) => {
      const origin = stage.origin('shop.test')
      const worn = { origin, localStorage: [], [kind]: [item('auth', 'old'), item('theme', 'dark')] }
      const { live, cell, writes } = await goLive(context, new Cell(stateOf(worn)))
      const page = await context.newPage()
      await page.goto(blank())
      await whenPageItem(page, kind, 'auth', 'old')
      await page.evaluate((name) => {
        window[name].setItem('auth', 'new')
      }, kind)
      await whenCell(
        cell,
        () => itemIn(cell, origin, kind, 'auth'),
        (value) => value === 'new',
      )
      setItem(cell, origin, kind, 'auth', 'newer')
      await whenPageItem(page, kind, 'auth', 'newer')
      setItem(cell, origin, kind, 'auth', undefined)
      await whenPageItem(page, kind, 'auth', undefined)
      await page.evaluate((name) => {
        window[name].clear()
      }, kind)
      await whenCell(
        cell,
        () => itemIn(cell, origin, kind, 'theme'),
        (value) => value === undefined,
      )
      await live.finish()
      expect(cell.origin(origin)).toBeUndefined()
      expect(writes.map(({ to, value }) => [to, value])).toEqual([
        ['cell', 'new'],
        ['browser', 'newer'],
        ['browser', undefined],
        ['cell', undefined],
      ])
    })
  })

  test('is there before the first script of an origin that is visited later', async () => {
    stage.page(
      '/first',
      `document.title = String(localStorage.getItem('auth') ?? sessionStorage.getItem('auth'))`,
    )
    await stage.inContext(async (context) => {
      const origin = stage.origin('shop.test')
      const worn = { origin, localStorage: [], [kind]: [item('auth', 'old')] }
      const { live, cell } = await goLive(context, new Cell(stateOf(worn)))
      setItem(cell, origin, kind, 'auth', 'new')
      await live.settle()
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/first'))
      expect(await page.title()).toBe('new')
      await live.settle()
      expect(itemIn(cell, origin, kind, 'auth')).toBe('new')

      await page.goto(blank('help.shop.test'))
      setItem(cell, origin, kind, 'auth', 'newest')
      await live.settle()
      await page.goto(stage.shop.url('shop.test', '/first'))
      expect(await page.title()).toBe('newest')
      await page.goto(blank('help.shop.test'))
      setItem(cell, origin, kind, 'auth', undefined)
      await live.settle()
      await page.goto(stage.shop.url('shop.test', '/first'))
      expect(await page.title()).toBe('null')
      await live.finish()
      expect(itemIn(cell, origin, kind, 'auth')).toBeUndefined()
    })
  })
})

describe('a page that writes and goes to another site in the same breath', () => {
  const leave = async (page: Page, value: string, host: string, when: 'now' | 'pagehide'): Promise<void> => {
    await page.goto(blank())
    await page.evaluate(
      ([text, next, moment]) => {
        const write = (): void => {
          localStorage.setItem('last', text)
          sessionStorage.setItem('last', text)
        }
        if (moment === 'now') write()
        else addEventListener('pagehide', write)
        location.href = next
      },
      [value, blank(host), when] as const,
    )
    await page.waitForURL(blank(host))
  }
  const held = (cell: Cell): (string | undefined)[] => {
    const origin = stage.origin('shop.test')
    return [itemIn(cell, origin, 'localStorage', 'last'), itemIn(cell, origin, 'sessionStorage', 'last')]
  }

  // Of localStorage the browser tells only after it has confirmed the write, which can be too late; the end finds it.
  test('has all it wrote taken home, sessionStorage at once, localStorage at the end at the latest', async () => {
    await stage.inContext(async (context) => {
      const { live, cell } = await goLive(context)
      const page = await context.newPage()
      for (let n = 1; n <= 5; n += 1) {
        await leave(page, String(n), 'widget.test', 'now')
        await whenCell(
          cell,
          () => held(cell)[1],
          (value) => value === String(n),
        )
      }
      await live.finish()
      expect(held(cell)).toEqual(['5', '5'])
    })
  })

  test('and writes when it is gone already: nobody can read its tab, and the report says so', async () => {
    await stage.inContext(async (context) => {
      const { live, cell } = await goLive(context)
      const page = await context.newPage()
      await leave(page, 'known', 'widget.test', 'now')
      await leave(page, 'unheard', 'widget.test', 'pagehide')
      const { report } = await live.finish()
      expect(held(cell)).toEqual(['unheard', 'known'])
      const where = stage.origin('shop.test')
      expect(report).toEqual([
        expect.objectContaining({ kind: 'sessionStorage', name: '*', where, reason: 'unreadable' }),
      ])
    })
  })

  test('is heard to its last word within its site, and when its tab comes back', async () => {
    await stage.inContext(async (context) => {
      const { live, cell } = await goLive(context)
      const page = await context.newPage()
      await leave(page, 'away', 'widget.test', 'pagehide')
      await page.goto(blank())
      await live.settle()
      expect(held(cell)).toEqual(['away', 'away'])
      await leave(page, 'near', 'help.shop.test', 'pagehide')
      const { report } = await live.finish()
      expect(held(cell)).toEqual(['near', 'near'])
      expect(report).toEqual([])
    })
  })
})

describe('sessionStorage of several tabs', () => {
  test('stays each tab’s own; a logout in one is one for tabs to come', async () => {
    await stage.inContext(async (context) => {
      const origin = stage.origin('shop.test')
      const worn = { origin, localStorage: [], sessionStorage: [item('tab', 'first')] }
      const { live, cell } = await goLive(context, new Cell(stateOf(worn)))
      const [one, two] = [await context.newPage(), await context.newPage()]
      await one.goto(blank())
      await two.goto(blank())
      await one.evaluate(() => {
        sessionStorage.setItem('own', '1')
        sessionStorage.removeItem('tab')
      })
      await whenCell(
        cell,
        () => itemIn(cell, origin, 'sessionStorage', 'tab'),
        (value) => value === undefined,
      )
      await live.settle()
      expect(await itemsIn(two, 'sessionStorage')).toEqual({ tab: 'first' })
      const three = await context.newPage()
      await three.goto(blank())
      expect(await itemsIn(three, 'sessionStorage')).toEqual({ own: '1' })
      await live.finish()
      expect(cell.origin(origin)?.sessionStorage).toEqual([item('own', '1')])
    })
  })
})
