import { expect, test } from 'vitest'
import { learnHeaderRules } from '../../src/login/learn/learn-headers.ts'
import type { ObservedRequest } from '../../src/login/learn/watch-requests.ts'

/** A site may write pages and headers as it likes: learning from them is over before anybody notices. */
const origin = 'https://heavy.test'

const base = {
  ...{ at: 1, method: 'GET', resourceType: 'fetch', pageOrigin: origin },
  ...{ topLevel: false, crossedOrigins: false, status: 200 },
}

function seen(html: string, values: readonly string[]): ObservedRequest[] {
  const page = {
    ...{ ...base, sequence: 0, url: `${origin}/`, resourceType: 'document', contentType: 'text/html' },
    ...{ headers: [], answer: { headers: [], text: html } },
  }
  const asked = values.map((value, at) => ({
    ...{ ...base, sequence: at + 1, url: `${origin}/api` },
    headers: [['X-Part', value] as const],
  }))
  return [page, ...asked]
}

function took(requests: readonly ObservedRequest[]): number {
  const begun = performance.now()
  learnHeaderRules(requests, { cookies: [], origins: [] })
  return performance.now() - begun
}

// Took more than two minutes when each value was looked for in each place of the page, and the page read anew for each of them.
test('one value in thousands of places, none of which would find it again', () => {
  const places = (n: number): string => {
    const name = `data-k${String(n % 300)}`
    return `<p ${name}="other ${String(n)}"></p><p ${name}="one:value-in-all-places"></p>`
  }
  const html = Array.from({ length: 6_000 }, (_, n) => places(n)).join('')
  expect(took(seen(html, Array<string>(400).fill('one:value-in-all-places')))).toBeLessThan(10_000)
})

test('thousands of values, each beginning in many ways, and a page of thousands of places', () => {
  const html = Array.from({ length: 15_000 }, (_, n) => `<p data-k${String(n)}="value ${String(n)}"></p>`)
  const values = Array.from({ length: 1_900 }, (_, n) => `${'a='.repeat(16)}${String(n)}-and-on`)
  expect(took(seen(html.join(''), values))).toBeLessThan(10_000)
})
