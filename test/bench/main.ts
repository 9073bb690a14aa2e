/**
 * `npm run bench`, or `npm run bench -- requests pages` for some. Each bench compares contenders side by side in one
 * run, rounds interleaved, and prints medians and ratios beside its targets. Figures are of this machine and this
 * moment; nothing here fails a build.
 */
type Bench = () => Promise<unknown>

const benches: Readonly<Record<string, readonly [title: string, load: () => Promise<Bench>]>> = {
  requests: ['One request after the other', async () => (await import('./requests.ts')).benchRequests],
  http2: ['HTTP/2 beside HTTP/1.1', async () => (await import('./http2.ts')).benchHttp2],
  overhead: ['What a session adds to a request', async () => (await import('./overhead.ts')).benchOverhead],
  memory: ['Memory of open sessions', async () => (await import('./memory.ts')).benchMemory],
  pages: ['1,000 signed-in pages from a snapshot', async () => (await import('./pages.ts')).benchPages],
  'cold-start': [
    'Cold start to the first answer',
    async () => (await import('./cold-start.ts')).benchColdStart,
  ],
  'capture-restore': [
    'Capture and restore of a browser context',
    async () => (await import('./capture-restore.ts')).benchCaptureRestore,
  ],
  cookies: [
    'Cookies in memory and across the protocol',
    async () => (await import('./cookies.ts')).benchCookies,
  ],
  'live-sync': [
    'How long a change takes to the other side',
    async () => (await import('./live-sync.ts')).benchLiveSync,
  ],
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(benches, name))
if (unknown.length > 0) {
  console.error(`No bench named ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`)
  process.exitCode = 1
} else {
  for (const [name, [title, load]] of Object.entries(benches)) {
    if (asked.length > 0 && !asked.includes(name)) continue
    console.log(`\n${title} (${name})`)
    const bench = await load()
    await bench()
  }
}
