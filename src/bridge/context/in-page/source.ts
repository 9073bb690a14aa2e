/**
 * The functions of this folder run inside pages: they are sent as text, so they may use nothing but their own
 * parameters and what a page has. Functions that they need are handed in as parameters, too. This is the one place
 * that makes text of them.
 */
type InPage = (...parameters: never[]) => unknown

/**
 * An expression that calls `main` in the page. Its arguments: functions of this folder go as text, everything else as
 * JSON. JSON.stringify escapes lone surrogates, which would not survive the way to the browser as they are; and it is
 * parsed in the page, because in an object literal `__proto__` would not be a key.
 */
export function callInPage(main: InPage, ...parameters: readonly unknown[]): string {
  const list = parameters.map((parameter) =>
    typeof parameter === 'function'
      ? `(${String(parameter)})`
      : `JSON.parse(${JSON.stringify(JSON.stringify(parameter))})`,
  )
  // Bundlers that keep function names wrap inner functions in a call of `__name`, which no page has.
  return `(() => { const __name = (f) => f; return (${String(main)})(${list.join(', ')}) })()`
}

/**
 * A script element with this script in it. Inside of one, `</` and `<!` would be read as HTML; in our scripts they
 * occur in string literals only, where they may be written otherwise.
 */
export function inlineScript(script: string): string {
  return `<script>${script.replaceAll(/<(?=[/!])/g, '\\x3C')}</script>`
}
