import { describe, expect, test } from 'vitest'
import type { Bench } from './shelf.ts'
import { bytesOf, fresh } from './shelf.ts'

/** Any name is a name. */
export function describeNames(bench: Bench): void {
  describe('names', () => {
    const names = [
      ...[
        'shop/alice',
        'Shop/alice',
        'shop/Alice',
        'SHOP/ALICE',
        'shop/../alice',
        '..',
        '.',
        '../../etc/passwd',
      ],
      ...[
        '/',
        '//',
        'a/b/c',
        'a~b',
        'a%2fb',
        '%',
        '%u0041',
        'A',
        '\\',
        'a\\b',
        'C:\\x',
        'a:b',
        'a b',
        ' ',
        '~',
      ],
      ...[
        '\0',
        'a\nb',
        'é',
        'e\u0301',
        'ß',
        'ss',
        'İ',
        'i',
        '😀',
        '\ud800',
        '\udc00',
        '\ufffd',
        'con',
        'a.',
        '.a',
      ],
      ...[
        'a.b',
        '.work',
        '.leases',
        '1.sealed',
        'name.json',
        '__proto__',
        'constructor',
        '{a}',
        'a*',
        'a?',
        '-rf',
      ],
      ...['a'.repeat(200), 'A'.repeat(200), '😀'.repeat(100), `${'é'.repeat(199)}a`, `${'é'.repeat(199)}b`],
    ]

    test('of every kind stay apart, are listed as they were given, and can be removed', async () => {
      for (const name of names) await bench.store.write(name, bytesOf(JSON.stringify(name)), fresh)
      expect((await bench.open().list()).sort()).toEqual([...names].sort())
      for (const name of names) expect(await bench.textOf(name)).toBe(JSON.stringify(name))
      for (const name of names) {
        expect(await bench.store.lease(name, 60_000), name).toBeDefined() // all are held to the end
        await bench.store.remove(name)
      }
      expect(await bench.store.list()).toEqual([])
    })

    test('that are no names are refused as misuse', async () => {
      for (const name of ['', 'a'.repeat(201)]) {
        await expect(bench.store.read(name)).rejects.toThrow(TypeError)
        await expect(bench.store.write(name, bytesOf('x'), fresh)).rejects.toThrow(TypeError)
        await expect(bench.store.lease(name, 1000)).rejects.toThrow(TypeError)
      }
    })
  })
}
