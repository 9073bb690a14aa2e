import { describe, expect, test } from 'vitest'
import { valueInPage, valuesInPage } from '../../src/http/rules/page-values.ts'
import type { PagePlace } from '../../src/state/header-rule.ts'

/** Milliseconds of processor time: a busy machine takes none of it. */
function spentSince(begun: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1_000
}

const script = (name: string, variable?: string): PagePlace => ({
  ...{ in: 'script', name },
  ...(variable !== undefined && { variable }),
})

describe('a value in a page', () => {
  test.each<[string, PagePlace]>([
    ['<meta name="csrf-token" content="abc123">', { in: 'meta', name: 'csrf-token' }],
    ['<META content=abc123 property=csrf>', { in: 'meta', name: 'csrf' }],
    ["<form><input type='hidden' value='abc123' name=_csrf>", { in: 'input', name: '_csrf' }],
    ['<body data-csrf="abc123">', { in: 'attribute', name: 'data-csrf' }],
    ['<script>window.csrf = "abc123"</script>', script('csrf')],
    ['<script>var wpApiSettings = {"root":"\\/","nonce":"abc123"};</script>', script('nonce')],
    ["<script>const a = { nonce: 'zzz' }, b = 1; app = { nonce: 'abc123' }</script>", script('nonce', 'app')],
    ['<script type="application/json">{"user":{"token":"abc123"}}</script>', script('token')],
    ["<script nonce=r4nd>boot('abc123')</script>", script('boot')],
    ['<script>config["csrf"] = "abc123"</script>', script('csrf')],
    ['<script>t = "abc\\u00312\\x33"</script>', script('t')],
    ['<!-- <meta name="t" content="old"> --><meta name="t" content="abc&#49;23">', { in: 'meta', name: 't' }],
  ])('%s', (html, at) => {
    expect(valueInPage(html, at)).toBe('abc123')
  })

  test('is not found in comments, in scripts of other names, or where the field is empty', () => {
    expect(valueInPage('<!-- <meta name="t" content="x"> -->', { in: 'meta', name: 't' })).toBeUndefined()
    expect(
      valueInPage('<script>"<meta name=t content=x>"</script>', { in: 'meta', name: 't' }),
    ).toBeUndefined()
    expect(valueInPage('<script>other = "x"</script>', script('t'))).toBeUndefined()
    expect(valueInPage('<input name=t value="">', { in: 'input', name: 't' })).toBeUndefined()
  })

  test('hostile pages cost no more than their length', () => {
    const begun = process.cpuUsage()
    const parts = [
      '<'.repeat(2e5),
      '<script>' + 'a='.repeat(2e5),
      '<script>' + '"a":"'.repeat(1e5),
      '<meta '.repeat(1e5),
    ]
    for (const html of [
      ...parts,
      `<script>${'a'.repeat(4e5)}</script>`,
      `<script>${'a . '.repeat(1e5)}</script>`,
    ])
      expect([...valuesInPage(`${html}</script>`)].length).toBeLessThan(2e5)
    expect(spentSince(begun)).toBeLessThan(10_000)
  })

  test.each([
    ['scripts that never end', '<script>'.repeat(220_000), 0],
    ['names and openings by turns', `<script>${'a={b:"x"};'.repeat(180_000)}</script>`, 180_000],
  ])('%s are read in one go, not once for each', (_, html, count) => {
    const begun = process.cpuUsage()
    expect([...valuesInPage(html)]).toHaveLength(count)
    // A tenth of a second; looking back or ahead from each place takes half a minute.
    expect(spentSince(begun)).toBeLessThan(10_000)
  })
})
