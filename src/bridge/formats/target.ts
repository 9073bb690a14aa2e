/** A URL as it is asked for: a URL of the web, or a host, which means https. Throws `TypeError` for anything else. */
export function readTarget(url: string | URL | undefined): URL | undefined {
  if (url === undefined) return undefined
  const text = String(url)
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text}`
  const read = URL.canParse(full) ? new URL(full) : undefined
  if (read?.protocol === 'https:' || read?.protocol === 'http:') return read
  throw new TypeError('the option url must be an http or https URL, or a host')
}
