import { Writable } from 'node:stream'
import { format, inspect } from 'node:util'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { RequestFailedError, StoreFailedError } from '../../src/errors.ts'
import { errorView, logSerializers, mask, Secret } from '../../src/observe/redact.ts'

const canary = 'canary-5d1f-pass word'

describe('a secret', () => {
  test('prints, joins, formats and serialises as its mask', () => {
    const secret = new Secret(canary)
    const shown = [
      ...[String(secret), secret.toString(), JSON.stringify({ secret }), inspect({ secret }, { depth: 9 })],
      ...[
        format('%s %o %j', secret, secret, secret),
        inspect(secret, { showHidden: true, customInspect: false }),
      ],
      JSON.stringify(Object.assign({}, secret)),
    ]
    for (const text of shown) expect(text).not.toContain('canary')
    expect(String(secret)).toBe('‹secret 21 chars›')
    expect(mask(canary)).toBe(String(secret))
    expect(secret.reveal()).toBe(canary)
  })
})

describe('the log view of an error', () => {
  test('keeps our own message, code, place and causes', () => {
    const cause = new StoreFailedError('write shop/alice', 'the disk is full')
    const view = errorView(
      new RequestFailedError('GET', new URL('https://a.test/b?token=x'), 'ECONNREFUSED', { cause }),
    )
    expect(view).toMatchObject({
      type: 'RequestFailedError',
      code: 'request-failed',
      message: 'GET https://a.test/b got no answer: ECONNREFUSED',
      cause: { type: 'StoreFailedError', code: 'store-failed' },
    })
    expect(view.stack).toMatch(/redact\.test\.ts/)
  })

  test('withholds what strangers put into messages, fields and stacks', () => {
    const theirs = Object.assign(new TypeError(`fill("${canary}")\n    at nothing (/x/${canary}.ts:1:1)`), {
      code: 'ERR_X',
      options: { headers: { cookie: canary } },
      response: { body: canary },
    })
    const wrapped = new Error(canary, { cause: theirs })
    for (const view of [errorView(theirs), errorView(wrapped), errorView(canary), errorView({ canary })])
      expect(inspect(view, { depth: 9 })).not.toMatch(/canary-|pass word/)
    expect(errorView(theirs)).toMatchObject({ type: 'TypeError', code: 'ERR_X' })
  })

  test('ends with causes that run in a circle', () => {
    const error = new Error('a')
    error.cause = error
    expect(JSON.stringify(errorView(error)).length).toBeLessThan(20_000)
  })

  test('is what pino writes, where its own serialiser would write the fields', () => {
    const error = Object.assign(new Error(canary), { options: { headers: { cookie: canary } } })
    const logged = (serializers: Record<string, (value: unknown) => unknown>): string => {
      let text = ''
      const stream = new Writable({
        write(chunk: Buffer, _encoding, done) {
          text += chunk.toString()
          done()
        },
      })
      pino({ serializers }, stream).error({ err: error }, 'failed')
      return text
    }
    expect(logged(logSerializers)).not.toContain('canary')
    expect(logged({ err: (value) => pino.stdSerializers.err(value as Error) })).toContain('canary') // the control
  })
})
