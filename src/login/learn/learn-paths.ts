import { coversPath } from '../../state/header-rule.ts'
import { senderOf, type Sighting } from './sightings.ts'
import type { ObservedRequest } from './watch-requests.ts'

const mostPaths = 40

/**
 * The paths that a header is for, when scripts of the same pages sent other requests to its origin without it: the highest
 * folders that hold only paths that had it, and of what was known before what nothing speaks against; `undefined` when
 * nothing speaks against the whole origin. What was refused without it says nothing, and neither does what came before
 * it was there.
 */
export function pathsOf(
  sightings: readonly Sighting[],
  requests: readonly ObservedRequest[],
  methods: 'all' | 'unsafe',
  known: readonly string[] | undefined,
): readonly string[] | undefined {
  const [first] = sightings
  if (first === undefined) return undefined
  const withIt = new Set(sightings.map(({ request }) => pathOf(request)))
  const sent = new Set(sightings.map(({ request }) => request))
  const without = requests
    .filter((request) => !sent.has(request) && request.sequence > first.request.sequence)
    .filter((request) => isEvidence(request, first, methods))
    .map(pathOf)
    .filter((path) => !withIt.has(path))
  if (without.length === 0 && known === undefined) return undefined
  const seen = without.length === 0 ? [...withIt] : foldersOf([...withIt], without, '/')
  const still = (known ?? []).filter((path) => !without.some((other) => coversPath([path], other)))
  return tidy([...still, ...seen])
}

function tidy(paths: readonly string[]): readonly string[] {
  const needed = paths.filter((path, at) =>
    paths.every((other, place) => place === at || !covers(other, path) || (other === path && place > at)),
  )
  return needed.sort().slice(0, mostPaths)
}

function covers(folder: string, path: string): boolean {
  return folder === path || (folder.endsWith('/') && !folder.startsWith('=') && path.startsWith(folder))
}

function isEvidence(request: ObservedRequest, first: Sighting, methods: 'all' | 'unsafe'): boolean {
  const { resourceType, status = 0, crossedOrigins, url, method } = request
  if (crossedOrigins || !URL.canParse(url) || new URL(url).origin !== first.origin) return false
  if (senderOf(request) !== senderOf(first.request) || status < 200 || status >= 300) return false
  const byScript = resourceType === 'fetch' || resourceType === 'xhr'
  if (first.in === 'body') return request.body !== undefined && (byScript || resourceType === 'document')
  return byScript && (methods === 'all' || !/^(?:GET|HEAD|OPTIONS)$/.test(method))
}

function pathOf({ url }: ObservedRequest): string {
  return new URL(url).pathname
}

/** Goes down from a folder that holds both kinds of paths to the folders below it that do not. */
function foldersOf(withIt: readonly string[], without: readonly string[], folder: string): string[] {
  if (!without.some((path) => path.startsWith(folder))) return [folder]
  const parts = withIt.filter((path) => path.startsWith(folder)).map((path) => nextPart(path, folder))
  return [...new Set(parts)].flatMap((part) => {
    if (part === folder) return [`=${part}`]
    if (part.endsWith('/')) return foldersOf(withIt, without, part)
    // `/orders` stands for `/orders/5`, too, unless that was seen without.
    return without.some((path) => path.startsWith(`${part}/`)) ? [part] : [part, `${part}/`]
  })
}

/** `/a/b/c` below `/a/` → `/a/b/`; `/a/b` → `/a/b`. */
function nextPart(path: string, folder: string): string {
  const end = path.indexOf('/', folder.length)
  return end < 0 ? path : path.slice(0, end + 1)
}
