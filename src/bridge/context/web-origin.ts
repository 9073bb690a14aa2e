/**
 * The origin that storage belongs to, such as `https://shop.test:8443`, of a URL or of an origin as written in a
 * state; undefined for everything without web storage of its own (`about:`, `data:`, `file:`, `javascript:`,
 * `blob:`, error pages, nonsense).
 */
export function webOrigin(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, origin } = new URL(url)
  return protocol === 'https:' || protocol === 'http:' ? origin : undefined
}
