const tag = /<(\/?)([a-zA-Z][\w-]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>/g
const attribute = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g
const unseen = /<!--[\s\S]*?(?:-->|$)|<(script|style)\b[\s\S]*?(?:<\/\1\s*>|$)/gi

export type Attributes = ReadonlyMap<string, string>

export interface Tag {
  readonly closing: boolean
  /** Lower case. */
  readonly name: string
  readonly attributes: Attributes
}

/** The tags of a page as its server has written it. Reads tags and attributes, not the whole language. */
export function* tagsOf(html: string): Generator<Tag> {
  // What is in comments, scripts and styles is not there; what looks like a tag in them is none.
  for (const [, slash = '', name = '', rest = ''] of html.replace(unseen, '').matchAll(tag))
    yield { closing: slash !== '', name: name.toLowerCase(), attributes: attributesOf(rest) }
}

/** The texts of a page's own scripts. One that is never closed ends the search: it is looked for once, not once for each. */
export function* scriptsOf(html: string): Generator<string> {
  const opening = /<script\b[^<>]*>/gi
  const closing = /<\/script\s*>/gi
  for (let begin = opening.exec(html); begin !== null; begin = opening.exec(html)) {
    closing.lastIndex = opening.lastIndex
    const end = closing.exec(html)
    if (end === null) return
    const text = html.slice(opening.lastIndex, end.index)
    if (text.trim() !== '') yield text
    opening.lastIndex = closing.lastIndex
  }
}

function attributesOf(text: string): Attributes {
  const attributes = new Map<string, string>()
  for (const [, name = '', double, single, plain] of text.matchAll(attribute))
    if (!attributes.has(name.toLowerCase()))
      attributes.set(name.toLowerCase(), unescaped(double ?? single ?? plain ?? ''))
  return attributes
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** A number beyond Unicode stays as it is written. */
function unescaped(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos));/gi,
    (all, decimal, hex, name) => {
      if (typeof name === 'string') return entities[name.toLowerCase()] ?? all
      const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all
    },
  )
}
