import { isObject, own } from '../parse/bounded-json.ts'
import { type Format, jsonText } from './format.ts'
import { hasStateForm, readStateForm } from './state-form.ts'

const ownFields = ['sourceScheme', 'sourcePort', 'priority']

/** Our own: a whole state as JSON, and nothing is lost. */
export const sessionbridge: Format = {
  name: 'sessionbridge',
  title: 'a sessionbridge state',
  readsWithUrl: false,
  writesForUrl: false,
  detect(input) {
    const value = input.isJson ? input.json() : undefined
    if (!hasStateForm(value)) return false
    const [origins, cookies] = [own(value, 'origins'), own(value, 'cookies')]
    return (
      someEntry(origins, (origin) => own(origin, 'sessionStorage') !== undefined) ||
      (origins !== undefined &&
        someEntry(cookies, (cookie) => ownFields.some((field) => own(cookie, field) !== undefined)))
    )
  },
  parse: (input, { report }) => readStateForm(input, report),
  format: (state) => ({ text: jsonText(state), report: [] }),
}

function someEntry(list: unknown, holds: (entry: Readonly<Record<string, unknown>>) => boolean): boolean {
  return Array.isArray(list) && list.some((entry) => isObject(entry) && holds(entry))
}
