import { isHint, isSentToAll, withAskedHints } from '../http/headers/client-hints.ts'
import type { Identity } from '../state/identity.ts'
import type { ObservedRequest } from './learn/watch-requests.ts'

/** What a page can know of the hints that its browser would give; absent where the page is not served over TLS. */
export interface HintFacts {
  readonly agentData?: AgentData
  readonly deviceMemory?: number
  readonly pixelRatio: number
  readonly width: number
  readonly height: number
  readonly network?: { readonly rtt: number; readonly downlink: number; readonly effectiveType: string }
  readonly reducedMotion: boolean
  readonly reducedTransparency: boolean
}

interface AgentData {
  readonly architecture?: string
  readonly bitness?: string
  readonly formFactors?: readonly string[]
  readonly fullVersionList?: readonly { readonly brand: string; readonly version: string }[]
  readonly model?: string
  readonly platformVersion?: string
  readonly uaFullVersion?: string
  readonly wow64?: boolean
}

/** Runs in the page. */
export async function hintFacts(): Promise<HintFacts> {
  const browser = navigator as unknown as {
    userAgentData?: { getHighEntropyValues(names: readonly string[]): Promise<AgentData> }
    deviceMemory?: number
    connection?: { rtt: number; downlink: number; effectiveType: string }
  }
  const agentData = await browser.userAgentData?.getHighEntropyValues([
    ...['architecture', 'bitness', 'formFactors', 'fullVersionList', 'model', 'platformVersion'],
    ...['uaFullVersion', 'wow64'],
  ])
  const { deviceMemory, connection } = browser
  const network = connection && {
    rtt: connection.rtt,
    downlink: connection.downlink,
    effectiveType: connection.effectiveType,
  }
  return {
    ...(agentData !== undefined && { agentData }),
    ...(deviceMemory !== undefined && { deviceMemory }),
    ...(network !== undefined && { network }),
    pixelRatio: devicePixelRatio,
    width: innerWidth,
    height: innerHeight,
    reducedMotion: matchMedia('(prefers-reduced-motion: reduce)').matches,
    reducedTransparency: matchMedia('(prefers-reduced-transparency: reduce)').matches,
  }
}

/**
 * The values of hints that not everybody gets, as headers: from what the page knows, written as Chromium writes them; what
 * was seen in requests counts more. Pure.
 */
export function hintValues(
  facts: (HintFacts & { readonly dark: boolean }) | undefined,
  requests: readonly ObservedRequest[],
): [name: string, value: string][] {
  const values = new Map(
    facts?.agentData === undefined ? [] : [...ofAgent(facts.agentData), ...ofPage(facts)],
  )
  for (const { headers } of requests)
    for (const [name, value] of headers) {
      const key = name.toLowerCase()
      if (isHint(key) && !isSentToAll(key)) values.set(key, value)
    }
  return [...values]
}

function ofAgent(agent: AgentData): [string, string][] {
  const { fullVersionList: brands, formFactors, wow64 } = agent
  const versions = brands?.map(({ brand, version }) => `${quoted(brand)};v=${quoted(version)}`).join(', ')
  const quotable = [
    ['sec-ch-ua-arch', agent.architecture],
    ['sec-ch-ua-bitness', agent.bitness],
    ['sec-ch-ua-model', agent.model],
    ['sec-ch-ua-platform-version', agent.platformVersion],
    ['sec-ch-ua-full-version', agent.uaFullVersion],
  ] as const
  return [
    ...quotable.flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, quoted(value)]],
    ),
    ...(versions === undefined ? [] : [['sec-ch-ua-full-version-list', versions] as [string, string]]),
    ...(formFactors === undefined
      ? []
      : [['sec-ch-ua-form-factors', formFactors.map(quoted).join(', ')] as [string, string]]),
    ...(wow64 === undefined ? [] : [['sec-ch-ua-wow64', wow64 ? '?1' : '?0'] as [string, string]]),
  ]
}

function ofPage(facts: HintFacts & { readonly dark: boolean }): [string, string][] {
  const { deviceMemory, network, pixelRatio, width, height } = facts
  const both = (name: string, value: number | undefined): [string, string][] =>
    value === undefined
      ? []
      : [
          [name, String(value)],
          [`sec-ch-${name}`, String(value)],
        ]
  return [
    ...both('device-memory', deviceMemory),
    ...both('dpr', pixelRatio),
    ...both('viewport-width', width),
    ['sec-ch-viewport-height', String(height)],
    ...(network === undefined ? [] : ofNetwork(network)),
    ['sec-ch-prefers-color-scheme', facts.dark ? 'dark' : 'light'],
    ['sec-ch-prefers-reduced-motion', facts.reducedMotion ? 'reduce' : 'no-preference'],
    ['sec-ch-prefers-reduced-transparency', facts.reducedTransparency ? 'reduce' : 'no-preference'],
  ]
}

function ofNetwork(network: NonNullable<HintFacts['network']>): [string, string][] {
  const { rtt, downlink, effectiveType } = network
  return [
    ['rtt', String(rtt)],
    ['downlink', String(downlink)],
    ['ect', effectiveType],
  ]
}

/** A string of a structured header (RFC 9651, 3.3.3). */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** Which origins have asked the login browser for hints, in the order of its answers. Pure. */
export function askedHints(requests: readonly ObservedRequest[]): Identity['hintsAsked'] {
  let identity: Identity = { userAgent: '', navigationHeaders: [], languages: [] }
  for (const { acceptCh, topLevel, url } of requests)
    if (acceptCh !== undefined && topLevel && URL.canParse(url))
      identity = withAskedHints(identity, { kind: 'navigation', url: new URL(url) }, acceptCh)
  return identity.hintsAsked
}
