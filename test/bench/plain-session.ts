import type { Identity, StateCookie } from '../../src/index.ts'

/** What a session at the plain server holds in every bench: ten cookies of fifty bytes, and a browser's name. */
export const plainCookies: readonly StateCookie[] = Array.from({ length: 10 }, (_, n) => ({
  name: `cookie${String(n)}`,
  value: 'v'.repeat(40),
  domain: '127.0.0.1',
  path: '/',
  expires: -1,
  httpOnly: true,
  secure: false,
  sameSite: 'Lax',
}))

const userAgent =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36'

export const plainIdentity: Identity = {
  userAgent,
  languages: ['en-US', 'en'],
  navigationHeaders: [
    ['sec-ch-ua', '"Not:A-Brand";v="8", "Chromium";v="156"'],
    ['sec-ch-ua-mobile', '?0'],
    ['sec-ch-ua-platform', '"Linux"'],
    ['Upgrade-Insecure-Requests', '1'],
    ['User-Agent', userAgent],
    ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
    ['Accept-Language', 'en-US,en;q=0.9'],
  ],
}
