import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { connect } from 'node:http2'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ShopAddress, shopAt } from './address.ts'
import { type Shop, startShop } from './shop.ts'
import type { Echo } from './workbench.ts'

let shop: Shop

beforeAll(async () => {
  shop = await startShop({ http2: true })
})

afterAll(() => shop.close())

interface Answer {
  readonly status: number | undefined
  readonly body: string
}

function get(url: string, options: { ca?: string; servername?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { lookup: shop.lookup, agent: false, ...options }, (res) => {
      text(res).then((body) => {
        resolve({ status: res.statusCode, body })
      }, reject)
    })
      .on('error', reject)
      .end()
  })
}

describe('the shop and clients that are no browser', () => {
  test('it serves any name below .test with a certificate of its own authority', async () => {
    for (const host of ['shop.test', 'o7.many.test', 'deep.er.test', 'keycloak']) {
      const answer = await get(shop.url(host, '/echo'), { ca: shop.ca })
      expect(JSON.parse(answer.body)).toMatchObject({ host, secure: true })
    }
  })

  test('a client that does not know the authority refuses it', async () => {
    await expect(get(shop.url('shop.test', '/echo'))).rejects.toThrow(
      'unable to verify the first certificate',
    )
  })

  test('a certificate holds for its own host only', async () => {
    await expect(
      get(shop.url('shop.test', '/echo'), { ca: shop.ca, servername: 'id.test' }),
    ).resolves.toBeDefined()
    await expect(get(shop.url('shop.test', '/echo'), { ca: shop.ca, servername: '' })).rejects.toThrow(
      'altnames',
    )
  })

  test('names outside the shop do not exist', async () => {
    await expect(get('https://example.com/', { ca: shop.ca })).rejects.toThrow('ENOTFOUND')
  })

  test('it speaks HTTP/2 to those who ask for it', async () => {
    const client = connect(shop.url('shop.test'), { ca: shop.ca, lookup: shop.lookup } as object)
    const stream = client.request({ ':path': '/echo', 'x-seen': 'yes' })
    const echo = JSON.parse(await text(stream)) as Echo
    client.close()
    expect(echo).toMatchObject({ httpVersion: '2.0', host: 'shop.test' })
    expect(echo.headers).toContainEqual(['x-seen', 'yes'])
  })

  test('a route of the test comes before the built-in ones', async () => {
    shop.on('shop.test', '/echo', (_req, res) => {
      res.end('mine')
    })
    shop.on('own.test', '/deep/*', (req, res) => {
      res.end(req.url)
    })
    expect((await get(shop.url('shop.test', '/echo'), { ca: shop.ca })).body).toBe('mine')
    expect((await get(shop.url('own.test', '/deep/er/path?q'), { ca: shop.ca })).body).toBe('/deep/er/path?q')
    expect((await get(shop.url('own.test', '/other'), { ca: shop.ca })).status).toBe(404)
  })
})

describe('the shop in a process of its own', () => {
  test('prints its address, serves, counts and revokes', async () => {
    const child = spawn(process.execPath, ['--import', 'jiti/register', 'test/site/serve.ts'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
      const other = shopAt(JSON.parse(line) as ShopAddress)
      await get(other.url('shop.test', '/api/orders'), { ca: other.ca })
      const counters = await get(other.url('control.test', '/counters'), { ca: other.ca })
      expect(JSON.parse(counters.body)).toMatchObject({ requests: 2, refused: 1, logins: 0 })
      expect((await get(other.url('control.test', '/revoke?account=alice'), { ca: other.ca })).status).toBe(
        204,
      )
    } finally {
      child.kill('SIGTERM')
      expect(await once(child, 'exit')).toEqual([0, null])
    }
  })
})
