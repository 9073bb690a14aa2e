import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SecretOriginError } from '../../src/errors.ts'
import { Scrubber } from '../../src/login/scrub.ts'

describe('scrubbing what is said about a login', () => {
  test.each([
    ['fill("pa\\"ss<1>&2")', 'raw'],
    [`{"pw":${JSON.stringify('pa"ss<1>&2')}}`, 'JSON'],
    [`p=${encodeURIComponent('pa"ss<1>&2')}`, 'URL'],
    [Buffer.from('pa"ss<1>&2').toString('base64'), 'base64'],
    ['value=&quot;pa&quot;ss&lt;1&gt;&amp;2', 'HTML'],
  ])('hides %s (%s)', (text) => {
    const scrubber = new Scrubber()
    scrubber.add('pa"ss<1>&2')
    expect(scrubber.text(text)).not.toMatch(/ss|c3M/)
  })

  test('hides queries, user names in URLs, and attributes of elements that Playwright previews', () => {
    const scrubber = new Scrubber()
    expect(scrubber.text('at https://user:pw@shop.test/a?token=1#x, then')).toBe(
      'at https://shop.test/a then',
    )
    expect(scrubber.text('resolved to <input value="the first half of a sec…"/>')).toBe(
      'resolved to <input …>',
    )
  })

  test('a secret that begins another one leaves no tail', () => {
    const scrubber = new Scrubber()
    scrubber.add('alice')
    scrubber.add('alice-long-password')
    expect(scrubber.text('alice-long-password')).toBe('[secret]')
  })

  test('rebuilds foreign errors with their causes, and keeps typed ones', () => {
    const scrubber = new Scrubber()
    scrubber.add('hunter2hunter2')
    const error = Object.assign(
      new TypeError('fill("hunter2hunter2")', { cause: { password: 'hunter2hunter2' } }),
      {
        log: ['hunter2hunter2'],
      },
    )
    const clean = scrubber.error(new Error('outer hunter2hunter2', { cause: error }))
    expect(inspect(clean, { showHidden: true, depth: 9 })).not.toContain('hunter2')
    expect((clean.cause as Error).name).toBe('TypeError')
    const typed = new SecretOriginError('password', 'https://evil.test', [])
    expect(scrubber.error(typed)).toBe(typed)
    expect(scrubber.error('hunter2hunter2').message).toBe('[secret]')
  })

  test('leaves nothing of any secret in any position (generated)', () => {
    let hidden = 0
    fc.assert(
      fc.property(
        fc.string({ minLength: 4, maxLength: 40 }),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          const scrubber = new Scrubber()
          scrubber.add(secret)
          const error = new Error(before + secret + after, { cause: new Error(secret) })
          const clean = scrubber.error(error)
          if (!'[secret]'.includes(secret)) {
            hidden += 1
            expect(clean.message.replaceAll('[secret]', '')).not.toContain(secret)
            expect((clean.cause as Error).message).not.toContain(secret)
          }
          // Negative control: an empty scrubber lets it through.
          if (!/[?#@<>\u001b]/.test(secret))
            expect(new Scrubber().text(secret)).toContain(secret.replace(/\s+$/, ''))
        },
      ),
      { numRuns: 500 },
    )
    expect(hidden).toBeGreaterThan(400)
  })
})
