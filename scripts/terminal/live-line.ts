const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const tick = 100

/**
 * One line on a terminal that says what is going on and for how long. By hand, because ready-made spinners put the
 * terminal into raw mode and answer Ctrl-C with their own exit code, where we must close a browser first.
 */
export class LiveLine {
  readonly #terminal: NodeJS.WriteStream
  readonly #timer: NodeJS.Timeout
  #text = ''
  #since = Date.now()
  #frame = 0

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal
    this.#timer = setInterval(() => {
      this.#draw()
    }, tick)
    this.#timer.unref()
  }

  show(text: string): void {
    this.#text = text
    this.#since = Date.now()
    this.#draw()
  }

  /** Makes room for other output; the next tick draws the line again. */
  clear(): void {
    this.#terminal.write('\r\u001b[K')
  }

  stop(): void {
    clearInterval(this.#timer)
    this.clear()
  }

  #draw(): void {
    this.#frame = (this.#frame + 1) % frames.length
    const seconds = Math.floor((Date.now() - this.#since) / 1_000)
    const line = `${frames[this.#frame] ?? ''} ${this.#text}${seconds > 1 ? ` ${String(seconds)} s` : ''}`
    // A line that wraps cannot be taken back by one carriage return.
    this.#terminal.write(`\r\u001b[K${line.slice(0, (this.#terminal.columns || 80) - 1)}`)
  }
}
