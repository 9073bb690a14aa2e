import { describe, expect, test } from 'vitest'
import { isPublicSuffix, registrableDomain, siteOf } from '../../src/policy/public-suffix.ts'

describe('the public suffix list', () => {
  test.each([
    ['www.shop.test', 'shop.test'],
    ['shop.test', 'shop.test'],
    ['a.b.shop.co.uk', 'shop.co.uk'],
    ['alice.github.io', 'alice.github.io'],
    ['my_host.shop.test', 'shop.test'],
    ['foo.localhost', 'foo.localhost'],
    ['github.io', undefined],
    ['co.uk', undefined],
    ['localhost', undefined],
    ['keycloak', undefined],
    ['127.0.0.1', undefined],
    ['[::1]', undefined],
  ])('finds the site of %s: %s', (host, domain) => {
    expect(registrableDomain(host)).toBe(domain)
    expect(registrableDomain(host)).toBe(domain) // remembered
  })

  test('knows suffixes from hosts and addresses', () => {
    const suffixes = ['com', 'co.uk', 'github.io', 'keycloak', 'shop.test', '127.0.0.1', '[::1]', ''].filter(
      isPublicSuffix,
    )
    expect(suffixes).toEqual(['com', 'co.uk', 'github.io', 'keycloak'])
  })

  test('writes sites as Chromium does: scheme and domain, no port', () => {
    expect(siteOf(new URL('https://www.shop.test:8443/a'))).toBe('https://shop.test')
    expect(siteOf(new URL('wss://www.shop.test/'))).toBe('https://shop.test')
    expect(siteOf(new URL('http://localhost:3000/'))).toBe('http://localhost')
    expect(siteOf(new URL('http://[::1]:3000/'))).toBe('http://[::1]')
  })
})
