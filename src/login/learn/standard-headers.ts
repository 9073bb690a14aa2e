// Headers that browsers write themselves: never made from an item of the state by a page, except by odd accident.
const standard = new Set([
  ...[
    'host',
    'connection',
    'keep-alive',
    'user-agent',
    'referer',
    'origin',
    'cookie',
    'cookie2',
    'date',
    'dnt',
  ],
  ...[
    'cache-control',
    'pragma',
    'range',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'via',
    'expect',
    'from',
  ],
  ...[
    'upgrade-insecure-requests',
    'priority',
    'purpose',
    'last-event-id',
    'service-worker',
    'save-data',
    'dpr',
  ],
  ...[
    'service-worker-navigation-preload',
    'downlink',
    'ect',
    'rtt',
    'device-memory',
    'viewport-width',
    'width',
  ],
  ...[
    'available-dictionary',
    'dictionary-id',
    'alt-used',
    'early-data',
    'x-client-data',
    'ping-from',
    'ping-to',
  ],
  ...['idempotency-key'],
])

const standardFamilies = [
  ':',
  'accept',
  'content-',
  'sec-',
  'if-',
  'access-control-',
  'proxy-',
  'attribution-reporting-',
]

/** True for names that say nothing about how a session is carried. Any case. */
export function isStandardHeader(name: string): boolean {
  const lower = name.toLowerCase()
  return standard.has(lower) || standardFamilies.some((family) => lower.startsWith(family))
}
