import { describe, expect, test } from 'vitest'
import { SharedBrowser } from '../../../src/session/visits/shared-browser.ts'
import { chromiumPath } from '../../site/chromium.ts'

describe('the browser of a vault', () => {
  test('is one for all who ask for it at the same time, also after it has died, and closes with the last', async () => {
    const shared = new SharedBrowser({ executablePath: await chromiumPath() })
    const users = [{}, {}, {}]
    const together = () => Promise.all(users.map((user) => shared.use(user)))
    const [first, ...same] = await together()
    if (first === undefined) throw new Error('no browser')
    expect(same.every((browser) => browser === first)).toBe(true)
    await first.close()

    const [second, ...others] = await together()
    expect(second).not.toBe(first)
    expect(others.every((browser) => browser === second)).toBe(true)
    for (const user of users) await shared.leave(user)
    expect(second?.isConnected()).toBe(false)
  })
})
