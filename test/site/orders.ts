/** The shop's goods: a page of ten orders, about 1 KB as JSON and 4 KB as HTML, the same at every call. */
export interface Order {
  readonly id: number
  readonly item: string
  readonly cents: number
}

const goods = ['Lamp', 'Chair', 'Kettle', 'Notebook', 'Umbrella', 'Clock', 'Blanket']
const perPage = 10
const remembered = 2_000

export function ordersOf(page: number): Order[] {
  return Array.from({ length: perPage }, (_, index) => {
    const id = (page - 1) * perPage + index + 1
    return {
      id,
      item: `${goods[id % goods.length] ?? 'Lamp'} no. ${String(id)}`,
      cents: 500 + ((id * 37) % 9_000),
    }
  })
}

export const ordersJson = rememberPages((page) => JSON.stringify(ordersOf(page)))

export const ordersHtml = rememberPages((page) => {
  const rows = ordersOf(page).map(
    ({ id, item, cents }) =>
      `<tr data-order="${String(id)}"><td class="order-number">${String(id)}</td><td class="order-item">${item}</td>` +
      `<td class="order-price">${(cents / 100).toFixed(2)} EUR</td><td><a href="/orders/${String(page)}#order-${String(id)}">` +
      `Details of order ${String(id)}</a></td><td class="order-state">Delivered to the address on file</td></tr>`,
  )
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Orders, page ${String(page)}</title>` +
    `<link rel="icon" href="data:,"></head><body><h1>Orders, page ${String(page)}</h1><table><tbody>\n` +
    `${rows.join('\n')}\n</tbody></table><nav><a href="/orders/${String(page + 1)}">Next page</a></nav></body></html>\n`
  )
})

/** Benches ask for the same pages thousands of times: the shop should not be what they measure. */
function rememberPages(render: (page: number) => string): (page: number) => Buffer {
  const pages = new Map<number, Buffer>()
  return (page) => {
    const known = pages.get(page)
    if (known !== undefined) return known
    const made = Buffer.from(render(page))
    if (pages.size < remembered) pages.set(page, made)
    return made
  }
}
