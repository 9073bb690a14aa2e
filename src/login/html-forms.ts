import { type Attributes, tagsOf } from '../http/rules/html-tags.ts'

/** A form of a page, as far as sending it goes. */
export interface HtmlForm {
  /** As written; empty when it is sent to its own page. */
  readonly action: string
  /** Lower case. */
  readonly method: string
  /** Of all its fields. */
  readonly names: ReadonlySet<string>
  /** What is sent when nobody has touched it: hidden fields, what is filled in or ticked. No buttons. */
  readonly defaults: readonly (readonly [name: string, value: string])[]
  /** Those of `defaults` that nobody sees. */
  readonly hidden: readonly (readonly [name: string, value: string])[]
  readonly hasPassword: boolean
}

interface Open {
  action: string
  method: string
  names: Set<string>
  defaults: [string, string][]
  hidden: [string, string][]
  hasPassword: boolean
}

/**
 * The forms of a page that a server has written out. Reads tags and attributes, not the whole language: a login form that
 * needs more is one for a browser.
 */
export function readForms(html: string): HtmlForm[] {
  const forms: Open[] = []
  let form: Open | undefined
  let select: { name: string; hasChoice: boolean } | undefined
  for (const { closing, name, attributes } of tagsOf(html)) {
    if (name === 'form') {
      form = closing ? undefined : openForm(attributes)
      if (form !== undefined) forms.push(form)
    } else if (form === undefined) continue
    else if (name === 'select') select = closing ? undefined : openSelect(form, attributes)
    else if (name === 'option' && select !== undefined && !closing) choose(form, select, attributes)
    else if (!closing && (name === 'input' || name === 'textarea')) addField(form, name, attributes)
  }
  return forms
}

/** What addresses in the page are relative to: its own address, unless a `base` says another. */
export function readBase(html: string, url: string): string {
  for (const { name, attributes } of tagsOf(html)) {
    const href = name === 'base' ? attributes.get('href') : undefined
    if (href !== undefined) return URL.canParse(href, url) ? new URL(href, url).href : url
  }
  return url
}

/** The `content` of the meta tag of that name. */
export function readMeta(html: string, name: string): string | undefined {
  for (const { name: element, attributes } of tagsOf(html))
    if (element === 'meta' && attributes.get('name') === name) return attributes.get('content')
  return undefined
}

function openForm(attributes: Attributes): Open {
  return {
    action: attributes.get('action')?.trim() ?? '',
    method: (attributes.get('method') ?? 'get').toLowerCase(),
    names: new Set(),
    defaults: [],
    hidden: [],
    hasPassword: false,
  }
}

function addField(form: Open, element: string, attributes: Attributes): void {
  const name = attributes.get('name') ?? ''
  const type = element === 'textarea' ? 'textarea' : (attributes.get('type') ?? 'text').toLowerCase()
  if (name === '' || attributes.has('disabled')) return
  form.names.add(name)
  form.hasPassword ||= type === 'password'
  if (['submit', 'button', 'image', 'reset', 'file'].includes(type)) return
  const ticks = type === 'checkbox' || type === 'radio'
  if (ticks && !attributes.has('checked')) return
  const value = attributes.get('value') ?? (ticks ? 'on' : '')
  form.defaults.push([name, value])
  if (type === 'hidden') form.hidden.push([name, value])
}

function openSelect(form: Open, attributes: Attributes): { name: string; hasChoice: boolean } {
  const name = attributes.get('name') ?? ''
  if (name !== '') form.names.add(name)
  return { name, hasChoice: false }
}

/** The first one counts until one says that it is chosen. */
function choose(form: Open, select: { name: string; hasChoice: boolean }, attributes: Attributes): void {
  if (select.name === '') return
  const before = form.defaults.findIndex(([name]) => name === select.name)
  if (before !== -1 && (select.hasChoice || !attributes.has('selected'))) return
  if (before !== -1) form.defaults.splice(before, 1)
  select.hasChoice = attributes.has('selected')
  form.defaults.push([select.name, attributes.get('value') ?? ''])
}
