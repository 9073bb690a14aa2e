import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey } from 'sessionbridge'
import { type Shop, startShop } from '../../test/site/shop.ts'
import {
  count,
  droppedInWords,
  keptInWords,
  perSecond,
  rate,
  ruleInWords,
  duration,
  takenInWords,
} from './in-words.ts'
import type { News, Task } from './messages.ts'
import { endProgress, fact, heading, progress } from './screen.ts'
import { startWorker } from './worker-process.ts'

/** `npm start`: the main job on the bundled shop, with a SIGKILL in the middle. */
const pages = 500
const browserPages = 20

async function main(): Promise<void> {
  heading('sessionbridge: one login in a real browser, then used everywhere')
  const shop = await startShop()
  const directory = await mkdtemp(join(tmpdir(), 'sessionbridge-demo-'))
  try {
    fact(
      'the shop',
      `${shop.url('shop.test')} (on this machine): a login made by JavaScript, an API on a host of its own ` +
        'that wants a bearer token, writes guarded by a CSRF header, cookies that rotate, trackers',
    )
    await tellTheStory(shop, {
      shop: shop.address,
      directory,
      key: generateKey(),
      from: 1,
      to: pages,
      browserPages,
    })
  } finally {
    await shop.close()
    await rm(directory, { recursive: true, force: true })
  }
}

async function tellTheStory(shop: Shop, task: Task): Promise<void> {
  const first = await runUntilKilled(task, randomInt(pages / 5, (4 * pages) / 5))
  heading('3. The process is killed and started again')
  fact(
    'SIGKILL',
    `after page ${String(first.page)} of ${String(pages)}; nothing was told, nothing could be flushed`,
  )
  const second = await runToTheEnd(shop, { ...task, from: first.page + 1 })

  heading('4. What it was worth')
  showSpeeds(first, second)
  fact('in the page', `session.browse read what only the page's script knows: total ${second.browsed.total}`)
  const { logins, pages: served, rotations } = shop.counters
  fact(
    'the shop',
    `counted ${count(logins, 'login')}, ${String(served)} signed-in pages, ${String(rotations)} changes of its rotating cookie`,
  )
  if (logins !== 1) throw new Error(`One login was expected; the shop has seen ${String(logins)}.`)
}

/** All rates leave out the start of their client. */
function showSpeeds(first: Run, { elapsed, fetched, browsed }: SecondRun): void {
  const overHttp = perSecond(pages - 2, first.elapsed + elapsed)
  const byFetch = perSecond(fetched.pages, fetched.took)
  const inBrowser = perSecond(browsed.pages, browsed.took)
  const beside = (value: number): string =>
    `${rate(value)}, ${(value / inBrowser).toFixed(0)} times the browser`
  fact('browser', `${String(browsed.pages)} signed-in pages by page.goto: ${rate(inBrowser)}`)
  fact('session.http', `${String(pages)} of the same pages by got-scraping: ${beside(overHttp)}`)
  fact('session.fetch', `${String(fetched.pages)} of the same pages by fetch: ${beside(byFetch)}`)
}

type NewsOf<Kind extends News['kind']> = Extract<News, { kind: Kind }>

interface Run {
  readonly page: number
  readonly elapsed: number
}

async function runUntilKilled(task: Task, lastPage: number): Promise<Run> {
  const worker = startWorker(task)
  for await (const news of worker.news) {
    if (news.kind === 'opened') showLogin(news)
    else if (news.kind === 'called') showCall(news)
    else if (news.kind === 'page') {
      progress('pages', news.page, pages)
      if (news.page < lastPage) continue
      await worker.kill()
      endProgress()
      return news
    }
  }
  throw new Error('The worker ended before it was killed.')
}

interface SecondRun extends Run {
  readonly fetched: NewsOf<'fetched'>
  readonly browsed: NewsOf<'browsed'>
}

async function runToTheEnd(shop: Shop, task: Task): Promise<SecondRun> {
  let last: Run | undefined
  let fetched: NewsOf<'fetched'> | undefined
  let browsed: NewsOf<'browsed'> | undefined
  for await (const news of startWorker(task).news) {
    if (news.kind === 'opened') showResumed(shop, news)
    else if (news.kind === 'fetched') fetched = news
    else if (news.kind === 'browsed') browsed = news
    else if (news.kind === 'page') {
      last = news
      progress('pages', news.page, pages)
      if (news.page === pages) endProgress()
    }
  }
  if (last?.page !== pages || fetched === undefined || browsed === undefined)
    throw new Error('The second worker did not finish.')
  return { ...last, fetched, browsed }
}

function showLogin(news: NewsOf<'opened'>): void {
  heading('1. One login, in a real browser')
  fact('signed in', `as alice in ${duration(news.took)}; ${takenInWords(news.liveness)}`)
  fact('kept', keptInWords(news))
  for (const line of droppedInWords(news.dropped)) fact('dropped', line)
  for (const rule of news.headerRules) fact('learned', ruleInWords(rule))
  fact('snapshot', `${String(news.bytes)} bytes, sealed`)
  heading('2. The session over plain HTTP, no header written by hand')
}

function showCall({ method, url, status }: NewsOf<'called'>): void {
  const { hostname, pathname } = new URL(url)
  const why =
    method === 'GET' ? 'the bearer token came from localStorage' : 'the CSRF header came from the cookie'
  fact(`${method} ${String(status)}`, `${hostname}${pathname}: ${why}`)
  if (status !== 200)
    throw new Error(`${method} ${hostname}${pathname} was answered ${String(status)}, not 200.`)
}

function showResumed(shop: Shop, news: NewsOf<'opened'>): void {
  const how = news.isNew ? 'had to log in again' : 'resumed without login'
  fact('started', `${how} in ${duration(news.took)}; ${takenInWords(news.liveness)}`)
  fact('the shop', `has seen ${count(shop.counters.logins, 'login')} in all`)
}

try {
  await main()
} catch (error) {
  endProgress()
  process.stderr.write(`\nThe demo stopped: ${error instanceof Error ? error.message : 'unknown error'}\n`)
  process.exitCode = 1
}
