import { styleText } from 'node:util'

const isTerminal = process.stdout.isTTY && process.env['NO_COLOR'] === undefined
const indent = 16
const width = 100

type Style = Parameters<typeof styleText>[0]

function styled(style: Style, text: string): string {
  return isTerminal ? styleText(style, text) : text
}

export function heading(text: string): void {
  process.stdout.write(`\n${styled('bold', text)}\n`)
}

/** A label and what there is to say about it, wrapped below itself. */
export function fact(label: string, text: string): void {
  const [first = '', ...rest] = wrap(text, width - indent)
  process.stdout.write(`  ${styled('dim', label.padEnd(indent - 2))}${first}\n`)
  for (const line of rest) process.stdout.write(`${' '.repeat(indent)}${line}\n`)
}

/** A line that a terminal shows growing; a pipe gets only what `fact` says afterwards. */
export function progress(label: string, done: number, all: number): void {
  if (!isTerminal || (done % 10 !== 0 && done !== all)) return
  const filled = Math.round((30 * done) / all)
  const bar = '█'.repeat(filled) + '░'.repeat(30 - filled)
  process.stdout.write(`\r  ${label.padEnd(indent - 2)}${bar} ${String(done)} of ${String(all)}`)
}

export function endProgress(): void {
  if (isTerminal) process.stdout.write('\r\u001b[2K')
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
