import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey } from 'sessionbridge'
import { type Shop, startShop } from '../../test/site/shop.ts'
import { droppedInWords, keptInWords, perSecond, rate, ruleInWords, seconds } from './in-words.ts'
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
  // Both rates leave out the start of their client.
  const overHttp = perSecond(pages - 2, first.elapsed + second.elapsed)
  const inBrowser = perSecond(second.browsed.pages, second.browsed.took)
  fact('session.http', `${String(pages)} signed-in pages, ${rate(overHttp)}`)
  fact('browser', `${String(second.browsed.pages)} of the same pages by page.goto, ${rate(inBrowser)}`)
  fact(
    'ratio',
    `${(overHttp / inBrowser).toFixed(0)} times as many pages per second, one after the other in both`,
  )
  fact(
    'in the page',
    `session.browse read what only the page's JavaScript knows: total ${second.browsed.total}`,
  )
  fact(
    'the shop',
    `counted ${String(shop.counters.logins)} login, ${String(shop.counters.pages)} pages, ` +
      `${String(shop.counters.rotations)} changes of the rotating cookie, ${String(shop.counters.refused)} refusals`,
  )
  if (shop.counters.logins !== 1)
    throw new Error(`One login was expected, the shop has seen ${String(shop.counters.logins)}.`)
}

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

async function runToTheEnd(
  shop: Shop,
  task: Task,
): Promise<Run & { browsed: Extract<News, { kind: 'browsed' }> }> {
  let last: Run | undefined
  let browsed: Extract<News, { kind: 'browsed' }> | undefined
  for await (const news of startWorker(task).news) {
    if (news.kind === 'opened') showResumed(shop, news)
    else if (news.kind === 'page') {
      progress('pages', news.page, pages)
      last = news
      if (news.page === pages) endProgress()
    } else if (news.kind === 'browsed') browsed = news
  }
  if (last?.page !== pages || browsed === undefined) throw new Error('The second worker did not finish.')
  return { ...last, browsed }
}

function showLogin(news: Extract<News, { kind: 'opened' }>): void {
  heading('1. One login, in a real browser')
  fact(
    'signed in',
    `as alice in ${seconds(news.took)}, proven by a request that only a signed-in user gets answered`,
  )
  fact('kept', keptInWords(news))
  for (const line of droppedInWords(news.dropped)) fact('dropped', line)
  for (const rule of news.headerRules) fact('learned', ruleInWords(rule))
  fact('snapshot', `${String(news.bytes)} bytes, sealed, in one file`)
  heading('2. The session over plain HTTP, no header written by hand')
}

function showCall({ method, url, status }: Extract<News, { kind: 'called' }>): void {
  const { hostname, pathname } = new URL(url)
  const why =
    method === 'GET' ? 'the bearer token came from localStorage' : 'the CSRF header came from the cookie'
  fact(`${method} ${String(status)}`, `${hostname}${pathname}: ${why}`)
  if (status !== 200)
    throw new Error(`${method} ${hostname}${pathname} was answered ${String(status)}, not 200.`)
}

function showResumed(shop: Shop, news: Extract<News, { kind: 'opened' }>): void {
  const how = news.isNew ? 'had to log in again' : 'resumed without login'
  fact(
    'started',
    `${how} in ${seconds(news.took)}; the shop has seen ${String(shop.counters.logins)} login in all`,
  )
}

await main()
