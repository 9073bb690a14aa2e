import type { Cell } from '../../state/cell.ts'
import type { HeaderRule } from '../../state/header-rule.ts'
import { appliesTo, ruleValues } from './header-rules.ts'
import type { Hop } from '../hop.ts'

/**
 * Adds the fields that pages send against forgery to a body that was made of fields. What stands there already stays: the
 * caller has written it. A body that is no form and no JSON object stays as it is.
 */
export function fillFields(rules: readonly HeaderRule[], cell: Cell, hop: Hop, body: Uint8Array): Uint8Array {
  const type = hop.written.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  const isForm = !/^application\/json/i.test(type)
  const fields = rules
    .filter((rule) => appliesTo(rule, hop.method, hop.url) && (isForm || rule.in === 'body'))
    .flatMap((rule) => ruleValues(rule, cell, hop.url))
  if (fields.length === 0) return body
  if (/^application\/x-www-form-urlencoded/i.test(type)) return filledForm(fields, body)
  if (!isForm) return filledJson(fields, body)
  const boundary = /^multipart\/form-data;.*\bboundary="?([^";]+)/i.exec(type)?.[1]
  return boundary === undefined ? body : filledParts(fields, body, boundary)
}

type Fields = readonly { readonly name: string; readonly value: string }[]

function filledForm(fields: Fields, body: Uint8Array): Uint8Array {
  const text = Buffer.from(body).toString('utf8')
  const written = new URLSearchParams(text)
  const added = new URLSearchParams()
  for (const { name, value } of fields) if (!written.has(name)) added.append(name, value)
  if (added.size === 0) return body
  return Buffer.from(text === '' ? added.toString() : `${text}&${added.toString()}`)
}

function filledJson(fields: Fields, body: Uint8Array): Uint8Array {
  const text = Buffer.from(body).toString('utf8')
  let root: unknown
  try {
    root = JSON.parse(text)
  } catch {
    return body
  }
  if (typeof root !== 'object' || root === null || Array.isArray(root)) return body
  const missing = fields.filter(({ name }) => !Object.hasOwn(root, name))
  if (missing.length === 0) return body
  const added = missing.map(({ name, value }) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()
  // Into the text as it stands: written anew, numbers that JavaScript cannot hold would be other ones.
  const end = text.lastIndexOf('}')
  const comma = Object.keys(root).length === 0 ? '' : ','
  return Buffer.from(`${text.slice(0, end)}${comma}${added}${text.slice(end)}`)
}

/** Before the end mark. */
function filledParts(fields: Fields, body: Uint8Array, boundary: string): Uint8Array {
  const bytes = Buffer.from(body)
  const end = bytes.lastIndexOf(`--${boundary}--`)
  if (end < 0) return body
  const missing = fields.filter(
    ({ name, value }) =>
      /^[\w.[\]-]+$/.test(name) && !/[\r\n]/.test(value) && !bytes.includes(`; name="${name}"`),
  )
  const parts = missing.map(
    ({ name, value }) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return Buffer.concat([bytes.subarray(0, end), Buffer.from(parts.join('')), bytes.subarray(end)])
}
