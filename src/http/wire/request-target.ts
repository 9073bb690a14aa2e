/**
 * What stands in the request line, or in `:path`. An empty query is a query (RFC 9110, 4.2.3; Chromium sends its mark), but
 * `URL.search` says `''` for `/a?` and for `/a`.
 */
export function requestTarget(url: URL): string {
  const { pathname, search } = url
  if (search !== '') return pathname + search
  const { href } = url
  const mark = href.indexOf('?')
  if (mark === -1) return pathname
  const fragment = href.indexOf('#')
  return fragment !== -1 && fragment < mark ? pathname : `${pathname}?`
}
