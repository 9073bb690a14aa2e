/**
 * The import table of the house (docs/design, chapter 4), declared once. A room is a folder of src, a part of one
 * with a rule of its own, or a door. Every room may import itself.
 */
export const rooms = [
  { name: 'errors', path: 'src/error', may: [] },
  {
    name: 'index',
    path: 'src/index.ts',
    may: [
      'errors',
      'observe',
      'state',
      'policy',
      'snapshot',
      'store',
      'bridge',
      'bridge/jar',
      'http',
      'login',
      'session',
      'clients',
    ],
  },
  { name: 'observe/redact', path: 'src/observe/redact', may: [] },
  { name: 'observe', path: 'src/observe/', may: ['errors', 'state', 'observe/redact'] },
  { name: 'state', path: 'src/state/', may: ['errors'] },
  { name: 'policy', path: 'src/policy/', may: ['state', 'errors'] },
  { name: 'snapshot', path: 'src/snapshot/', may: ['state', 'errors'] },
  { name: 'store', path: 'src/store/', may: ['errors'] },
  { name: 'bridge/jar', path: 'src/bridge/jar/', may: ['bridge', 'state', 'policy', 'errors'] },
  { name: 'bridge', path: 'src/bridge/', may: ['bridge/jar', 'state', 'policy', 'errors'] },
  {
    name: 'http',
    path: 'src/http/',
    may: ['bridge/jar', 'state', 'policy', 'errors', 'observe', 'observe/redact'],
  },
  {
    name: 'login',
    path: 'src/login/',
    may: ['state', 'policy', 'bridge', 'bridge/jar', 'http', 'errors', 'observe', 'observe/redact'],
  },
  {
    name: 'session',
    path: 'src/session/',
    may: [
      'state',
      'policy',
      'bridge',
      'bridge/jar',
      'http',
      'login',
      'snapshot',
      'store',
      'errors',
      'observe',
      'observe/redact',
    ],
  },
  {
    name: 'clients',
    path: 'src/clients/',
    may: ['session', 'http', 'state', 'bridge', 'bridge/jar', 'errors'],
  },
  { name: 'fixtures', path: 'fixtures/', may: ['index'] },
  { name: 'scripts', path: 'scripts/', may: ['index'] },
  { name: 'examples', path: 'examples/', may: ['index', 'fixtures', 'test/site'] },
  { name: 'test/site', path: 'test/site/', may: ['index'] },
] as const satisfies readonly { name: string; path: string; may: readonly string[] }[]

/** Engines: types at any time, at run time only by `await import()` where first used. */
export const engines = [
  'playwright',
  'playwright-core',
  '@playwright/test',
  'got-scraping',
  'ioredis',
  'impit',
]

/** 15–60 ms of cold start each: never loaded by `import 'sessionbridge'`. */
export const heavy = ['tough-cookie', 'tldts', 'zod', 'undici', 'jose', 'pino']

/** Static imports of a heavy package that the front door reaches all the same, with the reason. */
export const heavyExceptions: readonly { file: string; packageName: string; reason: string }[] = []

/** Packages that are named on purpose without being declared. */
export const undeclared: Readonly<Record<string, string>> = {
  impit: 'taken as an instance: its lockfile entry breaks `npm ci` where a platform binary is missing',
}

export const forbiddenNames = ['utils', 'util', 'helpers', 'helper', 'common', 'lib', 'types']

/** Tables are as long as what they list. */
export const tables: Readonly<Record<string, string>> = {
  'src/policy/tracker-names.ts': 'names of trackers by vendor with their sources, one list',
}

/** A file is one concept; above this it is two. */
export const longestFile = 300
