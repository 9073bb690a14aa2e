const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

export interface Interrupts {
  readonly signal: AbortSignal
  /** 128 + the signal's number once one has come, as a shell expects. */
  readonly exitCode: number | undefined
  stop(): void
}

/**
 * Turns the first SIGINT, SIGTERM or SIGHUP (the terminal was closed) into an abort, so that the browser is closed and its
 * profile, cookies and all, does not stay in the temporary folder; the second ends at once.
 */
export function listenForInterrupts(): Interrupts {
  const abort = new AbortController()
  let exitCode: number | undefined
  const listener = (name: NodeJS.Signals): void => {
    const code = codes[name as keyof typeof codes]
    if (exitCode !== undefined) process.exit(code)
    exitCode = code
    abort.abort(new DOMException(`${name} was received`, 'AbortError'))
  }
  for (const name of Object.keys(codes)) process.on(name, listener)
  return {
    signal: abort.signal,
    get exitCode() {
      return exitCode
    },
    stop() {
      for (const name of Object.keys(codes)) process.off(name, listener)
    },
  }
}

/**
 * The process ends when all that is under way has ended (the browser closes in the background). Node puts the terminal back as it was when it exits, and aborts when there is none any
 * more (SIGABRT, maybe with a core file that holds keys): who was hung up dies of that, which a shell sees as 129, too.
 */
export function leaveWith(exitCode: number): void {
  process.exitCode = exitCode
  if (exitCode === codes.SIGHUP) process.once('exit', () => process.kill(process.pid, 'SIGHUP'))
}
