/**
 * The words of one command line as a POSIX shell splits them: quotes, `$'…'`, backslashes and continued lines; nothing is
 * expanded or run. What cmd.exe is given (carets before everything, as developer tools copy it) is read too.
 */
export function shellWords(text: string): string[] {
  // Which shell it is for is seen at the first quote: inside quotes a caret is a caret.
  const source = /^[^'"]*\^(?:"|\r?\n)/.test(text) ? withoutCarets(text) : text
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < source.length;) {
    const part = partAt(source, at)
    at = part.end
    if (part.kind === 'end') break
    if (part.kind === 'text') word = (word ?? '') + part.text
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  return word === undefined ? words : [...words, word]
}

/** One word for a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

type Part = { readonly end: number } & (
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'space' | 'end' }
)

function partAt(source: string, at: number): Part {
  const sign = source[at] ?? ''
  if (/[ \t]/.test(sign)) return { kind: 'space', end: at + 1 }
  // The command ends; what follows is another one.
  if (/[\r\n;|&<>]/.test(sign)) return { kind: 'end', end: source.length }
  if (sign === '\\') return escapeAt(source, at)
  if (sign === "'") return singleQuoted(source, at)
  if (sign === '"') return doubleQuoted(source, at + 1)
  if (source.startsWith("$'", at)) return ansiQuoted(source, at + 2)
  return { kind: 'text', text: sign, end: at + 1 }
}

function escapeAt(source: string, at: number): Part {
  const continued = /^\\\r?\n/.exec(source.slice(at, at + 3))
  if (continued !== null) return { kind: 'space', end: at + continued[0].length }
  return { kind: 'text', text: source[at + 1] ?? '', end: at + 2 }
}

function singleQuoted(source: string, at: number): Part {
  const close = source.indexOf("'", at + 1)
  const end = close === -1 ? source.length : close
  return { kind: 'text', text: source.slice(at + 1, end), end: end + 1 }
}

function doubleQuoted(source: string, from: number): Part {
  const pieces: string[] = []
  let at = from
  for (; at < source.length && source[at] !== '"'; at++) {
    if (source[at] === '\\' && /["\\$`\n]/.test(source[at + 1] ?? '')) at++
    pieces.push(source[at] ?? '')
  }
  return { kind: 'text', text: pieces.join(''), end: at + 1 }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b' }

/** `$'…'`, in which Chromium copies everything that is not plain. */
function ansiQuoted(source: string, from: number): Part {
  const pieces: string[] = []
  let at = from
  while (at < source.length && source[at] !== "'") {
    if (source[at] !== '\\') {
      pieces.push(source[at++] ?? '')
      continue
    }
    const coded = /^\\(?:u([\da-f]{1,4})|x([\da-f]{1,2}))/i.exec(source.slice(at, at + 6))
    const code = coded?.[1] ?? coded?.[2]
    const letter = source[at + 1] ?? ''
    pieces.push(
      code === undefined
        ? Object.hasOwn(escapes, letter)
          ? (escapes[letter] ?? '')
          : letter
        : String.fromCharCode(parseInt(code, 16)),
    )
    at += coded === null ? 2 : coded[0].length
  }
  return { kind: 'text', text: pieces.join(''), end: at + 1 }
}

function withoutCarets(text: string): string {
  return text.replace(/\^(\r?\n|[\s\S])/g, (_all, sign: string) => (/^\r?\n$/.test(sign) ? ' ' : sign))
}
