import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judge, type Sides } from '../../../src/bridge/live/judge.ts'

const aValue = fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined })
const someSides: fc.Arbitrary<Sides<string>> = fc.record({
  base: aValue,
  browser: aValue,
  cell: aValue,
  touched: fc.boolean(),
})

/** What both sides hold after the verdict. */
function after(sides: Sides<string>): [browser: string | undefined, cell: string | undefined] {
  const verdict = judge(sides, Object.is)
  if (verdict === 'to-cell') return [sides.browser, sides.browser]
  return verdict === 'to-browser' ? [sides.cell, sides.cell] : [sides.browser, sides.cell]
}

describe('the rule of live sync', () => {
  test('lets the side that changed speak', () => {
    expect(after({ base: '1', browser: '2', cell: '1', touched: false })).toEqual(['2', '2'])
    expect(after({ base: '1', browser: undefined, cell: '1', touched: false })).toEqual([
      undefined,
      undefined,
    ])
    expect(after({ base: '1', browser: '1', cell: '2', touched: true })).toEqual(['2', '2'])
    expect(after({ base: '1', browser: '1', cell: undefined, touched: true })).toEqual([undefined, undefined])
  })

  test('lets gone beat written, and of two writes the cell’s stand', () => {
    expect(after({ base: '1', browser: undefined, cell: '2', touched: true })).toEqual([undefined, undefined])
    expect(after({ base: '1', browser: '2', cell: undefined, touched: true })).toEqual([undefined, undefined])
    expect(after({ base: '1', browser: '2', cell: '3', touched: true })).toEqual(['3', '3'])
  })

  test('leaves alone what only the cell holds because the browser did not take it', () => {
    expect(after({ base: undefined, browser: undefined, cell: '1', touched: false })).toEqual([
      undefined,
      '1',
    ])
  })

  test('makes the sides equal whenever one has changed, and brings no outdated value back', () => {
    let changed = 0
    fc.assert(
      fc.property(someSides, (sides) => {
        const [browser, cell] = after(sides)
        const news = sides.browser !== sides.base || (sides.touched && sides.cell !== sides.base)
        if (!news) {
          expect([browser, cell]).toEqual([sides.browser, sides.cell])
          return
        }
        changed += 1
        expect(browser).toBe(cell)
        const both = sides.browser !== sides.base && sides.cell !== sides.base
        if (both && sides.touched && sides.browser !== sides.cell) expect(cell).not.toBe(sides.base)
      }),
      { numRuns: 500 },
    )
    expect(changed).toBeGreaterThan(100)
  })
})
