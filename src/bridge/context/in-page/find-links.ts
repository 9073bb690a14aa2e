/** What a page's links and forms say that they do. */
export interface FoundLinks {
  /** Addresses of those whose words, or whose `rel`, fit. */
  readonly fitting: string[]
  readonly others: string[]
}

/** In the page: `words` is the source of a regular expression for the whole of what a person reads. */
export function findLinks(words: string, most: number): FoundLinks {
  const fits = new RegExp(words, 'iu')
  const found: FoundLinks = { fitting: [], others: [] }
  const says = (element: Element): boolean =>
    [
      element.textContent,
      element.getAttribute('aria-label'),
      element.getAttribute('title'),
      element.getAttribute('value'),
    ].some((text) => text !== null && text.length < 200 && fits.test(text.replace(/\s+/g, ' ').trim()))
  for (const link of [...document.links].slice(0, most)) {
    const isFitting = says(link) || /(?:^|\s)log-?out(?:\s|$)/i.test(link.rel)
    ;(isFitting ? found.fitting : found.others).push(link.href)
  }
  for (const form of [...document.forms].slice(0, most)) {
    const buttons = [...form.querySelectorAll('button, input[type=submit], input[type=image]')]
    // A form with fields does more than one thing.
    const hasFields =
      form.querySelector(
        'input:not([type=hidden]):not([type=submit]):not([type=image]), textarea, select',
      ) !== null
    const address =
      form.getAttribute('action') === null
        ? location.href
        : new URL(form.getAttribute('action') ?? '', document.baseURI).href
    ;(!hasFields && buttons.some(says) ? found.fitting : found.others).push(address)
  }
  return found
}
