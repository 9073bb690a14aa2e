import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { buffer } from 'node:stream/consumers'
import type { Session } from '../src/index.ts'
import type { Call } from './terminal/call.ts'
import { CommandError, exitCodes } from './terminal/exit-codes.ts'
import type { Screen } from './terminal/screen.ts'
import { stdin } from './terminal/stdin.ts'
import { openStored } from './vault/open-stored.ts'
import type { CommonOptions, NetworkOptions } from './vault/settings.ts'

export interface CurlOptions extends CommonOptions, NetworkOptions {
  readonly request?: string
  readonly header?: readonly string[]
  readonly data?: string
  readonly include?: boolean
  readonly output?: string
  readonly fail?: boolean
}

/** Asks a URL as the session would; cookies that the answer sets are saved. Redirects are followed as a browser does. */
export async function curl(call: Call<CurlOptions>, text: string, address: string): Promise<number> {
  const { options, screen, signal } = call
  const url = webUrl(address)
  const request = await readRequest(options, signal)
  const session = await openStored(call, text)
  try {
    const response = await session.fetch(url, { ...request, signal })
    const failed = options.fail === true && response.status >= 400
    if (failed) await response.body?.cancel()
    else if (screen.json) await screen.data(await answerFacts(response))
    else await writeAnswer(response, options, screen)
    return await verdict(session, response.status, failed)
  } finally {
    await session.close()
  }
}

/** A refusal may mean that the session is dead, which a script wants to know: the probe tells. */
async function verdict(session: Session, status: number, failed: boolean): Promise<number> {
  if ((status === 401 || status === 403) && (await session.check()) === 'dead') {
    throw new CommandError(
      'session-dead',
      exitCodes.dead,
      `The server answered ${String(status)}: session ${session.name} is dead. Capture it again.`,
    )
  }
  if (failed)
    throw new CommandError('response-status', exitCodes.other, `The server answered ${String(status)}.`)
  return exitCodes.ok
}

function webUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url
  throw new CommandError(
    'usage',
    exitCodes.other,
    'curl takes an absolute http or https URL, such as https://shop.example/api.',
  )
}

async function readRequest(options: CurlOptions, signal: AbortSignal): Promise<RequestInit> {
  const headers = new Headers()
  for (const line of options.header ?? []) {
    const [, name, value] = /^([^:\s]+):\s*([\s\S]*)$/.exec(line) ?? []
    try {
      headers.append(name ?? '', value ?? '')
    } catch {
      throw new CommandError(
        'usage',
        exitCodes.other,
        '-H takes a header line such as "Accept: application/json".',
      )
    }
  }
  const body = options.data === undefined ? undefined : await readData(options.data, signal)
  if (body !== undefined && !headers.has('content-type'))
    headers.set('content-type', 'application/x-www-form-urlencoded')
  const method = options.request ?? (body === undefined ? 'GET' : 'POST')
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(method))
    throw new CommandError('usage', exitCodes.other, '-X takes a method such as PUT.')
  return { method, headers, ...(body !== undefined && { body }) }
}

async function readData(data: string, signal: AbortSignal): Promise<string | Buffer<ArrayBuffer>> {
  if (!data.startsWith('@')) return data
  if (data === '@-') return await buffer(stdin(signal))
  try {
    return await readFile(data.slice(1))
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException
    throw new CommandError(
      'usage',
      exitCodes.other,
      `The file ${data.slice(1)} of -d cannot be read (${code}).`,
    )
  }
}

async function writeAnswer(response: Response, options: CurlOptions, screen: Screen): Promise<void> {
  if (options.include === true) {
    const lines = headerPairs(response).map(([name, value]) => `${name}: ${value}`)
    await screen.bytes(
      [`HTTP ${String(response.status)} ${response.statusText}`.trimEnd(), ...lines, '', ''].join('\n'),
    )
  }
  if (options.output !== undefined) await writeFile(response, options.output)
  else
    for await (const chunk of chunksOf(response)) {
      await screen.bytes(chunk)
      if (screen.readerGone) break
    }
}

async function writeFile(response: Response, path: string): Promise<void> {
  // What a site says to who is signed in is for nobody else.
  const file = createWriteStream(path, { mode: 0o600 })
  const done = finished(file)
  try {
    for await (const chunk of chunksOf(response)) {
      if (!file.write(chunk)) await Promise.race([once(file, 'drain'), done])
    }
    file.end()
    await done
  } catch (error) {
    file.destroy()
    const { code, syscall } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    throw new CommandError(
      'usage',
      exitCodes.other,
      `The answer could not be written to ${path} (${code ?? 'unknown'}).`,
    )
  }
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) yield chunk
}

/** Set-Cookie values are secrets of the session, and what people paste into bug reports is `-i`. */
function headerPairs(response: Response): [string, string][] {
  return [...response.headers].map(([name, value]) => [
    name,
    name === 'set-cookie' ? value.replace(/^([^=;]*=)[^;]*/, '$1•••') : value,
  ])
}

async function answerFacts(response: Response): Promise<object> {
  const bytes = Buffer.from(await response.arrayBuffer())
  const text = bytes.toString('utf8')
  const isText = Buffer.from(text, 'utf8').equals(bytes)
  return {
    url: response.url,
    status: response.status,
    headers: headerPairs(response),
    ...(isText ? { body: text } : { bodyBase64: bytes.toString('base64') }),
  }
}
