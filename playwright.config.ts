import { defineConfig } from '@playwright/test'

import { findBrowser } from './scripts/setup/browser.mjs'

// `npm test` says which browser it has prepared; `npx playwright test` alone looks for one in the same way.
const executablePath = process.env.SESSIONBRIDGE_BROWSER ?? (await findBrowser())
const report = process.env.SESSIONBRIDGE_DOOR_REPORT

// Projects read it too: doors start browsers of their own through the library.
if (executablePath !== undefined) process.env.SESSIONBRIDGE_BROWSER = executablePath

export default defineConfig({
  globalSetup: './test/doors/shop-for-doors.ts',
  testDir: 'test/doors',
  testMatch: '**/*.spec.ts',
  // The second project starts when the first has ended, in workers of its own: it must find the login of the first.
  projects: [
    { name: 'first run' },
    { name: 'later run', dependencies: ['first run'], grepInvert: /signs out/ },
  ],
  outputDir: 'test-results',
  timeout: 180_000,
  expect: { timeout: 60_000 },
  workers: 2,
  fullyParallel: true,
  retries: 0,
  forbidOnly: process.env.CI !== undefined,
  reporter: report === undefined ? [['list']] : [['list'], ['json', { outputFile: report }]],
  use: {
    headless: true,
    screenshot: 'off',
    trace: 'off',
    ...(executablePath === undefined ? {} : { launchOptions: { executablePath } }),
  },
})
