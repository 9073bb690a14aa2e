import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compiledScripts, runNode } from './terminal.ts'

// The first run installs verdaccio into the cache folder: about 15 seconds with a registry at hand.
const installing = 300_000

test(
  'signs in to verdaccio by filling its two fields, then asks over HTTP for what only its users may see, and goes on after its token',
  { timeout: installing },
  async () => {
    const example = join(await compiledScripts(), '../examples/verdaccio.js')
    const ended = await runNode([example], { env: process.env })
    expect(ended.stderr).toBe('')
    expect(ended.code).toBe(0)
    const lines = ended.stdout.trim().split('\n')
    expect(lines.slice(-4)).toEqual([
      expect.stringMatching(/^signed in; carried by authorization$/i),
      'anonymous: 401',
      'session.http: 200, hello-from-sessionbridge: seen by signed-in users only',
      'after its token has ended: 200 200 200 200 200, in epoch 2',
    ])
  },
)
