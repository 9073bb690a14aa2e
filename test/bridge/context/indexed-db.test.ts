import type { BrowserContext, BrowserContextOptions, Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { applyState } from '../../../src/bridge/context/apply.ts'
import { captureState } from './patient-capture.ts'
import type { OriginState, SessionState } from '../../../src/state/state.ts'
import { originIn, stateOf, useStage } from './stage.ts'

const stage = useStage()

/** Fills a database with one record of every type that a storage state can hold, in stores of every shape. */
async function fillTyped(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const shared = { inner: 'seen twice' }
    const cyclic: Record<string, unknown> = { name: 'cyclic' }
    cyclic['self'] = cyclic
    const proto: unknown = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}')
    const values: [IDBValidKey, unknown][] = [
      ['plain', { a: [1, 'two', true, null, { deep: 'ü 🦊' }], lone: '\ud800', nul: 'a\u0000b' }],
      ['proto', proto],
      ['proto typed', { proto, when: new Date(0) }],
      ['undefined', undefined],
      ['numbers', [NaN, Infinity, -Infinity, -0, 1.5]],
      ['bigint', 12345678901234567890n],
      ['date', new Date(1_700_000_000_123)],
      ['regexp', /a+(b)?/giu],
      ['map', new Map<unknown, unknown>([['k', new Map([[1, new Date(5)]])]])],
      ['set', new Set<unknown>(['x', 1, { in: 'set' }])],
      ['shared', [shared, shared]],
      ['cyclic', cyclic],
      ['buffer', new Uint8Array([0, 255, 128]).buffer],
      [
        'typed',
        [
          new Uint8Array([1, 2]),
          new Float64Array([1.5, -0]),
          new BigInt64Array([-5n]),
          new Uint8ClampedArray([9]),
        ],
      ],
      ['view', new Uint16Array(new Uint16Array([1, 2, 3, 4]).buffer, 2, 2)],
      [7, 'number key'],
      [new Date(3), 'date key'],
      [['array', 1], 'array key'],
      [new Uint8Array([1, 2]), 'binary key'],
      ['big', new Uint8Array(200_000).fill(7)],
    ]
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open('typed', 3)
      request.onerror = () => {
        reject(new Error('not opened'))
      }
      request.onupgradeneeded = () => {
        const database = request.result
        const plain = database.createObjectStore('plain')
        for (const [key, value] of values) plain.put(value, key)
        const inline = database.createObjectStore('inline', { keyPath: 'id', autoIncrement: true })
        inline.createIndex('by tag', 'tags', { multiEntry: true })
        inline.createIndex('by both', ['name', 'id'], { unique: true })
        inline.put({ name: 'first', tags: ['a', 'b'] })
        inline.put({ id: 40, name: 'second', tags: [] })
        database.createObjectStore('compound', { keyPath: ['a', 'b.c'] }).put({ a: 1, b: { c: 2 }, v: 'x' })
        database.createObjectStore('counter', { autoIncrement: true }).put('only')
        database.createObjectStore('empty')
      }
      request.onsuccess = () => {
        request.result.close()
        const bare = indexedDB.open('bare')
        bare.onsuccess = () => {
          bare.result.close()
          resolve()
        }
      }
    })
  })
}

/** What the database holds, told by the page itself in words, so that no reader of ours is trusted. */
async function describeTyped(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const tell = (value: unknown, seen: unknown[] = []): string => {
      if (typeof value !== 'object' || value === null)
        return Object.is(value, -0) ? '-0' : `${typeof value} ${JSON.stringify(String(value))}`
      if (seen.includes(value)) return `ref ${String(seen.indexOf(value))}`
      seen.push(value)
      const tag = Object.prototype.toString.call(value)
      if (value instanceof Date) return `${tag} ${value.toJSON()}`
      if (value instanceof RegExp) return `${tag} ${String(value)}`
      if (value instanceof ArrayBuffer) return `${tag} ${new Uint8Array(value).join()}`
      if (ArrayBuffer.isView(value)) return `${tag} ${(value as Uint8Array).join().slice(0, 999)}`
      if (Array.isArray(value)) return `[${value.map((entry) => tell(entry, seen)).join()}]`
      const parts =
        value instanceof Set
          ? [...value].map((entry) => tell(entry, seen))
          : (value instanceof Map ? [...value] : Object.entries(value)).map(
              ([key, entry]) => `${tell(key, seen)}: ${tell(entry, seen)}`,
            )
      return `${tag}{${parts.join('; ')}}`
    }
    const done = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => {
          resolve(request.result)
        }
        request.onerror = () => {
          reject(new Error(request.error?.name))
        }
      })
    const told: string[] = []
    for (const { name = '', version } of (await indexedDB.databases()).sort((a, b) =>
      (a.name ?? '') < (b.name ?? '') ? -1 : 1,
    )) {
      const database = await done(indexedDB.open(name))
      told.push(`${name} v${String(version)} ${[...database.objectStoreNames].join()}`)
      for (const store of database.objectStoreNames) {
        const object = database.transaction(store).objectStore(store)
        const indexes = [...object.indexNames].map((index) => {
          const { keyPath, unique, multiEntry } = object.index(index)
          return JSON.stringify({ index, keyPath, unique, multiEntry })
        })
        told.push(
          `${store} ${JSON.stringify(object.keyPath)} ${String(object.autoIncrement)} ${indexes.join()}`,
        )
        const [keys, values] = await Promise.all([done(object.getAllKeys()), done(object.getAll())])
        keys.forEach((key, at) => told.push(`${tell(key)} = ${tell(values[at])}`))
      }
      database.close()
    }
    return told
  })
}

const withoutProto = (told: readonly string[]): string[] =>
  told.filter((line) => !line.startsWith('string "proto'))

async function onBlank(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto(stage.shop.url('shop.test', '/blank'))
  return page
}

describe('IndexedDB', () => {
  test('comes back with every type, key, store and index, before the first script can look', async () => {
    stage.page(
      '/looks',
      `indexedDB.databases().then((list) => { document.title = list.map(({ name }) => name).sort().join() })`,
    )
    const { first, told } = await stage.inContext(async (context) => {
      const page = await onBlank(context)
      await fillTyped(page)
      return { first: await captureState(context), told: await describeTyped(page) }
    })
    expect(first.report).toEqual([])
    expect(told.length).toBeGreaterThan(25)
    await stage.inContext(async (context) => {
      expect(await applyState(context, first.state)).toEqual([])
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/looks'))
      await page.waitForFunction(() => document.title !== '/looks')
      expect(await page.title()).toBe('bare,typed')
      expect(await describeTyped(page)).toEqual(told)
      const second = await captureState(context)
      // The same object: nothing changed, byte by byte.
      const origin = stage.origin('shop.test')
      expect(originIn(second.state, origin)).toBe(originIn(first.state, origin))
    })
  })

  test('is written in the form that Playwright loads, and read from what Playwright writes', async () => {
    const { ours, theirs, told } = await stage.inContext(async (context) => {
      const page = await onBlank(context)
      await fillTyped(page)
      return {
        ours: (await captureState(context)).state,
        theirs: (await context.storageState({ indexedDB: true })) satisfies SessionState,
        told: await describeTyped(page),
      }
    })
    const loaded = await stage.browser.newContext({
      storageState: JSON.parse(JSON.stringify(ours)) as NonNullable<BrowserContextOptions['storageState']>,
    })
    try {
      // Playwright drops a key named `__proto__`, and nothing else of what we write.
      expect(withoutProto(await describeTyped(await onBlank(loaded)))).toEqual(withoutProto(told))
    } finally {
      await loaded.close()
    }
    await stage.inContext(async (context) => {
      // Cyclic and shared plain objects come out of Playwright as such, which no JSON can hold.
      expect(await applyState(context, theirs)).toEqual([
        expect.objectContaining({ kind: 'indexedDB', name: 'typed/plain', reason: 'malformed' }),
      ])
      const found = await describeTyped(await onBlank(context))
      const isPlainJson = (line: string): boolean => !/^string "(cyclic|shared)"/.test(line)
      expect(withoutProto(found).filter(isPlainJson)).toEqual(withoutProto(told).filter(isPlainJson))
    })
  })

  test('keeps what it can of a database and names what no state can hold', async () => {
    await stage.inContext(async (context) => {
      const page = await onBlank(context)
      await page.evaluate(async () => {
        const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt'])
        await new Promise<void>((resolve) => {
          const request = indexedDB.open('mixed')
          request.onupgradeneeded = () => {
            const store = request.result.createObjectStore('s')
            store.put(key, 'key')
            store.put({ inside: [new Blob(['x'])] }, 'blob')
            store.put(new Date(NaN), 'date')
            let deep: unknown = 'bottom'
            for (let level = 0; level < 500; level += 1) deep = [deep]
            store.put(deep, 'deep')
            store.put('kept', 'kept')
          }
          request.onsuccess = () => {
            request.result.close()
            resolve()
          }
        })
        localStorage.setItem('kept', 'too')
      })
      const { state, report } = await captureState(context)
      expect(
        report.map(({ kind, name, reason, rule }) => [kind, name, reason, rule?.split(': ')[1]]),
      ).toEqual([
        ['indexedDB', 'mixed/s', 'unsupported', 'Blob'],
        ['indexedDB', 'mixed/s', 'unsupported', 'invalid Date'],
        ['indexedDB', 'mixed/s', 'unsupported', 'nesting deeper than 100'],
        ['indexedDB', 'mixed/s', 'unsupported', 'CryptoKey'],
      ])
      const [origin] = state.origins
      expect(origin?.localStorage).toHaveLength(1)
      expect(origin?.indexedDB?.[0]?.stores[0]?.records).toEqual([{ key: 'kept', value: 'kept' }])
    })
  })

  test('passes by a database that does not open, within the deadline', async () => {
    await stage.inContext(async (context) => {
      const page = await onBlank(context)
      await page.evaluate(async () => {
        localStorage.setItem('kept', 'yes')
        const open = (name: string): Promise<IDBDatabase> =>
          new Promise((resolve) => {
            const request = indexedDB.open(name)
            request.onsuccess = () => {
              resolve(request.result)
            }
          })
        ;(await open('good')).close()
        await open('held')
        // Waits for the connection that stays open, and everybody else waits for it.
        await new Promise((resolve) => (indexedDB.deleteDatabase('held').onblocked = resolve))
      })
      // It is held for good: whoever waited for it would wait beyond the end of this test.
      const { state, report } = await captureState(context, { timeout: 10_000 })
      expect(report).toEqual([
        expect.objectContaining({ kind: 'indexedDB', name: 'held', reason: 'timed-out' }),
      ])
      expect(state.origins[0]).toMatchObject({
        localStorage: [{ name: 'kept', value: 'yes' }],
        indexedDB: [{ name: 'good' }],
      })
    })
  })

  test('leaves out records and stores that the browser refuses, and keeps the rest', async () => {
    const record = (key: unknown, value: unknown) => ({ key, value })
    const store = { autoIncrement: false, indexes: [] }
    const broken: OriginState = {
      origin: stage.origin('shop.test'),
      localStorage: [],
      indexedDB: [
        {
          name: 'a',
          version: 1,
          stores: [
            {
              ...store,
              name: 'good',
              records: [record('k', 1), record('k', 2), record({ no: 'key' }, 3), record('l', 4)],
            },
            { ...store, name: 'bad path', keyPath: 'not a path', records: [] },
            {
              ...store,
              name: 'unique',
              indexes: [{ name: 'u', keyPath: 'u', multiEntry: false, unique: true }],
              records: [record(1, { u: 1 }), record(2, { u: 1 }), { key: 3, valueEncoded: { odd: 1 } }],
            },
          ],
        },
        { name: 'b', version: 0, stores: [] },
        { name: 'c', version: 2, stores: [{ ...store, name: 's', records: [record(1, 'c')] }] },
      ],
    }
    await stage.inContext(async (context) => {
      const report = await applyState(context, stateOf(broken))
      expect(report.map(({ kind, name, reason }) => [kind, name, reason]).sort()).toEqual(
        [
          ['indexedDB', 'a/bad path', 'refused'],
          ['indexedDB', 'a/good', 'refused'],
          ['indexedDB', 'a/good', 'refused'],
          ['indexedDB', 'a/unique', 'refused'],
          ['indexedDB', 'a/unique', 'refused'],
          ['indexedDB', 'b', 'refused'],
        ].sort(),
      )
      const told = await describeTyped(await onBlank(context))
      expect(told).toEqual([
        'a v1 good,unique',
        'good null false ',
        'string "k" = number "1"',
        'string "l" = number "4"',
        'unique null false {"index":"u","keyPath":"u","unique":true,"multiEntry":false}',
        expect.stringContaining('number "1" = [object Object]'),
        'c v2 s',
        's null false ',
        'number "1" = string "c"',
      ])
    })
  })
})
