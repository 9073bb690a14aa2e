import { type Handler, query, send, sendPage, sendRedirect } from './exchange.ts'
import type { Ledger } from './ledger.ts'
import { trackerScript } from './scripts.ts'

/**
 * The neighbours on the page: a tracker, a help frame of the same site and a widget of a foreign site.
 *
 * The tracker tries what trackers try. Its plain third-party cookie `uid` is refused by a Chromium that blocks
 * third-party cookies (Debian's does by default) unless the user has come through `/hop`, where the tracker is first
 * party for the length of a redirect; its partitioned cookie `uid_chips` is accepted everywhere.
 */
export function neighbourRoutes(ledger: Ledger): Record<string, Record<string, Handler>> {
  const identifier = (name: string): string => `${name}=${String(Math.floor(1e15 * Math.random()))}; Path=/`
  return {
    'cdn.tracker.test': {
      '/t.js': (exchange) => {
        ledger.counters.trackerCalls += 1
        send(exchange, 200, 'text/javascript', trackerScript)
      },
      '/collect': (exchange) => {
        ledger.counters.trackerCalls += 1
        const year = 'Max-Age=31536000'
        const cookies = exchange.secure
          ? [
              `${identifier('uid')}; Secure; SameSite=None; ${year}`,
              `${identifier('uid_chips')}; Secure; SameSite=None; Partitioned; ${year}`,
            ]
          : []
        send(exchange, 200, 'image/gif', pixel, { 'set-cookie': cookies })
      },
      '/hop': (exchange) => {
        const to = query(exchange).get('to') ?? exchange.origin('shop.test')
        const secure = exchange.secure ? '; Secure; SameSite=None' : ''
        sendRedirect(exchange, 302, to, [`${identifier('uid')}; Max-Age=31536000${secure}`])
      },
    },
    'help.shop.test': { '/frame': storageFrame(ledger, 'help') },
    'widget.test': { '/frame': storageFrame(ledger, 'widget') },
  }
}

/**
 * A page that keeps a value of its own in web storage, and a partitioned cookie. In a frame of a foreign site the storage
 * depends on the browser: Playwright switches storage partitioning off, and where third-party cookies are blocked as
 * well, reading `localStorage` throws. Like any widget, the page goes on without; `data-ready` says which it was.
 */
function storageFrame(ledger: Ledger, name: string): Handler {
  return (exchange) => {
    const partitioned = `${name}-part=${ledger.secret(`${name}-part`)}; Path=/; Secure; SameSite=None; Partitioned`
    const script = `
let ready = 'stored'
try {
  localStorage.setItem('${name}-local', localStorage.getItem('${name}-local') ?? '${ledger.secret(`${name}-local`)}')
  sessionStorage.setItem('${name}-session', '${ledger.secret(`${name}-session`)}')
} catch { ready = 'denied' }
document.body.dataset.ready = ready`
    sendPage(exchange, name, `<p>${name}</p><script>${script}</script>`, {
      'set-cookie': exchange.secure ? [partitioned] : [],
    })
  }
}

const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
