import type { PagePlace } from '../../state/header-rule.ts'
import { scriptsOf, tagsOf } from './html-tags.ts'

export interface PageValue {
  readonly at: PagePlace
  readonly value: string
}

/** Longer pages are data, not places for a nonce. */
export const longestPage = 2_000_000
const longestValue = 4_096

/** What a page holds for its scripts to send: meta tags, form fields, data attributes, texts that inline scripts name. */
export function* valuesInPage(html: string): Generator<PageValue> {
  if (html.length > longestPage) return
  for (const { closing, name: element, attributes } of tagsOf(html)) {
    if (closing) continue
    const name = attributes.get('name') ?? attributes.get('property') ?? ''
    if (element === 'meta' && name !== '')
      yield { at: { in: 'meta', name }, value: attributes.get('content') ?? '' }
    else if (element === 'input' && name !== '')
      yield { at: { in: 'input', name }, value: attributes.get('value') ?? '' }
    for (const [attribute, value] of attributes)
      if (attribute.includes('-') && attribute !== 'http-equiv')
        yield { at: { in: 'attribute', name: attribute }, value }
  }
  for (const script of scriptsOf(html)) yield* valuesInScript(script)
}

/** What stands at a place; `undefined` where nothing does. */
export function valueInPage(html: string, at: PagePlace): string | undefined {
  for (const found of valuesInPage(html)) {
    if (found.at.in !== at.in || found.at.name !== at.name || found.value === '') continue
    const variable = at.in === 'script' ? at.variable : undefined
    if (variable === undefined || (found.at.in === 'script' && found.at.variable === variable))
      return found.value
  }
  return undefined
}

const named =
  /(?<![\w$.])(["'`]?)([A-Za-z_$][\w$.-]{0,80})\1\s{0,20}\]?\s{0,20}[:=(]\s{0,20}(["'`])((?:\\.|(?!\3)[^\\\n])*)\3/g
const opened = /(?<![\w$.])([A-Za-z_$][\w$.]{0,80})\s{0,20}=\s{0,20}[{[(]/g

function* valuesInScript(script: string): Generator<PageValue> {
  const variables = script.matchAll(opened)
  let next = variables.next()
  let variable: string | undefined
  for (const { index, 2: name = '', 4: text = '' } of script.matchAll(named)) {
    // Both run through the script once, side by side: a long one of a stranger must not hold us up.
    for (; next.done !== true && next.value.index < index; next = variables.next())
      variable = bare(next.value[1] ?? '')
    if (text === '' || text.length > longestValue) continue
    const at: PagePlace = { in: 'script', name: bare(name), ...(variable !== undefined && { variable }) }
    yield { at, value: unescapedText(text) }
  }
}

/** `window.csrf` and `csrf` are the same. */
function bare(name: string): string {
  return name.replace(/^(?:window|self|globalThis)\./, '')
}

function unescapedText(text: string): string {
  return text.replace(/\\(?:u([\da-f]{4})|x([\da-f]{2})|([\s\S]))/gi, (_all, wide, narrow, plain) =>
    typeof plain === 'string' ? plain : String.fromCharCode(Number.parseInt(String(wide ?? narrow), 16)),
  )
}
