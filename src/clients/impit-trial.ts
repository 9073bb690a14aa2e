import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ImpitAnswer, ImpitInstance } from './impit.ts'
import { nobodysCertificate } from './nobodys-certificate.ts'

/** For all of it, ms: it is this machine that answers. */
const patience = 10_000

/** What an emulated browser says of itself; anything else would go to every site alike. */
const ofBrowsers =
  /^(host|connection|user-agent|te|priority|dnt|pragma|cache-control|accept(-.+)?|sec-.+|upgrade-insecure-requests)$/

/**
 * Looks at what an impit does that somebody else has made: nobody can ask it. Two servers on the loopback, one with a
 * certificate that must be refused. Throws `TypeError` with what is in the way.
 */
export async function tryOutImpit(impit: ImpitInstance): Promise<void> {
  const seen: IncomingMessage[] = []
  const plain = createServer((request, response) => {
    seen.push(request)
    response.writeHead(request.url === '/' ? 302 : 200, { location: '/on', 'set-cookie': 'trial=1' }).end()
  })
  const secure = createSecureServer(nobodysCertificate(), (_, response) => response.end())
  try {
    const answer = await ask(impit, `http://${await listening(plain)}/`)
    if (answer === undefined) throw unfit('does not reach a server on this machine; has it a proxy?')
    if (seen.length > 1) throw unfit('follows redirects by itself; take impit 0.14 or newer')
    await ask(impit, `http://${await listening(plain)}/again`)
    if (seen.some(({ headers }) => headers.cookie !== undefined))
      throw unfit('has a cookie jar or cookies of its own')
    const own = seen.flatMap(({ headers }) => Object.keys(headers)).find((name) => !ofBrowsers.test(name))
    if (own !== undefined) throw unfit(`says the header "${own}" to every site`)
    if ((await ask(impit, `https://${await listening(secure)}/`)) !== undefined)
      throw unfit('does not verify certificates')
  } finally {
    for (const server of [plain, secure]) {
      server.closeAllConnections()
      server.close()
    }
  }
}

async function listening(server: Server): Promise<string> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

/** `undefined`: there was no answer. */
async function ask(impit: ImpitInstance, url: string): Promise<ImpitAnswer | undefined> {
  let late: NodeJS.Timeout | undefined
  const init = { method: 'GET' as never, headers: [], redirect: 'manual' } as const
  try {
    return await Promise.race([
      impit.fetch(url, { ...init, headers: [] }),
      new Promise<undefined>((resolve) => (late = setTimeout(resolve, patience, undefined))),
    ])
  } catch {
    return undefined
  } finally {
    clearTimeout(late)
  }
}

function unfit(why: string): TypeError {
  return new TypeError(`This impit cannot wear a session: it ${why}. Or give the class: it is made fit then`)
}
