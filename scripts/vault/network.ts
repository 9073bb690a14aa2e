import { createHash, X509Certificate } from 'node:crypto'
import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { readFile } from 'node:fs/promises'
import { isIP, type LookupFunction } from 'node:net'
import { rootCertificates } from 'node:tls'
import type { HttpOptions } from '../../src/index.ts'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import type { NetworkOptions } from './settings.ts'

/** What `--resolve` and `--cacert` mean, to our requests and to the browser alike. */
export interface Network {
  readonly http: HttpOptions
  readonly browserArgs: readonly string[]
}

/** `--timeout` in ms, in the shape in which recipes and HTTP options take it. */
export function timeoutOf({ timeout }: NetworkOptions): { timeout?: number } {
  if (timeout === undefined) return {}
  if (Number.isNaN(timeout)) throw usage('--timeout takes a number of seconds above zero')
  return { timeout: timeout * 1_000 }
}

interface Mapping {
  readonly host: string
  readonly address: string
}

export async function readNetwork(
  options: NetworkOptions,
  browserArgs: readonly string[] = [],
): Promise<Network> {
  const mappings = (options.resolve ?? []).map(parseMapping)
  const certificates = options.cacert === undefined ? [] : await readCertificates(options.cacert)
  return {
    http: {
      ...(mappings.length > 0 && { lookup: lookupFor(mappings) }),
      ...(certificates.length > 0 && { ca: [...rootCertificates, ...certificates] }),
    },
    browserArgs: mergeSwitches([
      ...(mappings.length > 0 ? [`--host-resolver-rules=${mappings.map(rule).join(',')}`] : []),
      ...(certificates.length > 0
        ? [`--ignore-certificate-errors-spki-list=${certificates.map(spki).join(',')}`]
        : []),
      ...browserArgs,
    ]),
  }
}

/** `host:addr`, or `host:port:addr` as curl spells it; the port is read and means nothing, names have no ports. */
function parseMapping(text: string): Mapping {
  const [, host = '', address = ''] =
    /^(\*|(?:\*\.)?[A-Za-z0-9._-]+):(?:\d{1,5}:)?\[?([0-9A-Fa-f.:]+)\]?$/.exec(text) ?? []
  if (isIP(address) === 0) throw usage(`--resolve takes host:address or host:port:address, not "${text}"`)
  return { host: host.toLowerCase(), address }
}

function rule({ host, address }: Mapping): string {
  return `MAP ${host} ${isIP(address) === 6 ? `[${address}]` : address}`
}

function lookupFor(mappings: readonly Mapping[]): LookupFunction {
  return (hostname, options, callback) => {
    const found = mappings.filter(({ host }) => matches(host, hostname.toLowerCase()))
    if (found.length === 0) {
      systemLookup(hostname, options, callback)
      return
    }
    const addresses: LookupAddress[] = found.map(({ address }) => ({ address, family: isIP(address) }))
    const [first] = addresses
    if (options.all === true) callback(null, addresses)
    else callback(null, first?.address ?? '', first?.family)
  }
}

function matches(pattern: string, hostname: string): boolean {
  if (pattern === '*') return true
  return pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern
}

async function readCertificates(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException
    throw usage(`--cacert ${path} cannot be read (${code})`)
  })
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  if (found.length === 0) throw usage(`--cacert ${path} holds no certificate in PEM form`)
  return found
}

/** Chromium takes no file: it is told to accept chains that hold one of these keys (so the server has to send it). */
function spki(pem: string): string {
  try {
    const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
    return createHash('sha256').update(key).digest('base64')
  } catch {
    throw usage('--cacert holds a certificate that cannot be read')
  }
}

/** Of a switch given twice Chromium takes the last: lists are joined instead, so that ours and yours both count. */
function mergeSwitches(args: readonly string[]): string[] {
  const lists = ['--host-resolver-rules=', '--ignore-certificate-errors-spki-list=']
  const merged = lists.flatMap((prefix) => {
    const values = args.filter((arg) => arg.startsWith(prefix)).map((arg) => arg.slice(prefix.length))
    return values.length === 0 ? [] : [prefix + values.join(',')]
  })
  return [...args.filter((arg) => !lists.some((prefix) => arg.startsWith(prefix))), ...merged]
}

function usage(message: string): CommandError {
  return new CommandError('usage', exitCodes.other, `${message}.`)
}
