import type { Snapshot } from '../../src/snapshot/envelope.ts'

/** A small snapshot in which every field of the type occurs. */
export const sample: Snapshot = {
  name: 'shop/alice',
  state: {
    cookies: [
      {
        name: 'sid',
        value: 'canary-7f3a',
        domain: '.shop.test',
        path: '/',
        expires: 1_800_000_000.25,
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
        partitionKey: 'https://shop.test',
        _crHasCrossSiteAncestor: false,
        sourceScheme: 'Secure',
        sourcePort: 443,
        priority: 'High',
      },
    ],
    origins: [
      {
        origin: 'https://shop.test',
        localStorage: [{ name: 'auth', value: '{"token":"canary-91"}' }],
        sessionStorage: [{ name: 'tab', value: '1' }],
        indexedDB: [
          {
            name: 'db',
            version: 2,
            stores: [
              {
                name: 'users',
                keyPath: 'id',
                autoIncrement: false,
                records: [{ value: { id: 1 } }],
                indexes: [{ name: 'by', keyPathArray: ['a', 'b'], multiEntry: false, unique: true }],
              },
            ],
          },
        ],
      },
    ],
  },
  identity: {
    userAgent: 'Mozilla/5.0',
    navigationHeaders: [['accept', 'text/html']],
    languages: ['en-US', 'en'],
    timeZone: 'Europe/Berlin',
    viewport: { width: 1280, height: 720 },
    colorScheme: 'light',
    clientHints: [['sec-ch-ua-arch', '"x86"']],
    hintsAsked: { 'https://shop.test': ['sec-ch-ua-arch'] },
    thirdPartyCookies: 'blocked',
  },
  headerRules: [
    {
      header: 'Authorization',
      origins: ['https://api.shop.test'],
      methods: 'all',
      prefix: 'Bearer ',
      source: { from: 'localStorage', origin: 'https://shop.test', key: 'auth', path: ['token'] },
    },
    {
      header: 'X-CSRF-Token',
      origins: ['https://shop.test'],
      methods: 'unsafe',
      prefix: '',
      source: { from: 'cookie', name: 'csrf', domain: '.shop.test' },
      encoding: 'decoded',
    },
  ],
  probe: {
    url: 'https://shop.test/me',
    alive: { status: 200, bodyHash: 'abc', contentType: 'application/json' },
    dead: { status: 302, location: '/login' },
  },
  epoch: 3,
  generation: 17,
  savedAt: 1_790_000_000_000,
  verifiedAt: 1_789_999_999_000,
}

/** The same with storage of about `bytes`, so that it is deflated. */
export function bigSample(bytes: number): Snapshot {
  const localStorage = Array.from({ length: Math.ceil(bytes / 130) }, (_, index) => ({
    name: `persist:item${String(index)}`,
    value: JSON.stringify({
      id: index,
      seed: (index * 2_654_435_761) % 4_294_967_296,
      roles: ['user', 'admin'],
    }),
  }))
  const origins = [{ origin: 'https://shop.test', localStorage }]
  return { ...sample, state: { ...sample.state, origins } }
}
