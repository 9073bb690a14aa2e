import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    // Examples and tests say `sessionbridge` as a user does; here that means the sources, so that one test file
    // never holds two copies of a class (one from src, one from dist).
    alias: [
      { find: /^sessionbridge\/fixtures$/, replacement: here('./fixtures/index.ts') },
      { find: /^sessionbridge$/, replacement: here('./src/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    // A real browser on two slow cores: the first launch alone can take ten seconds while the other worker builds.
    // No test takes a quarter of this on a machine that does nothing else: what runs into it does not come to an end.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Its own second is less than what a loaded machine may stand still for.
    expect: { poll: { timeout: 60_000 } },
    teardownTimeout: 20_000,
    pool: 'forks',
    fileParallelism: true,
    // Most tests wait for a browser, a process or a disk: three of them keep two cores busy.
    maxWorkers: 3,
    retry: 0,
    reporters: ['default'],
  },
})
