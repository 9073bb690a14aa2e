import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'

/**
 * Ends what the tests started when they cannot do it themselves: interrupted, killed, crashed. A shell that reads our
 * pipe; when the pipe ends, for whatever reason, it kills the processes that are still noted and removes the folders.
 */
const script = `
trap '' INT TERM HUP
pids=' '; folders=' '
while read -r what value; do
  case $what in
    started) pids="$pids$value " ;;
    ended) pids="\${pids%% $value *} \${pids#* $value }" ;;
    folder) folders="$folders$value " ;;
  esac
done
kill -9 $pids 2>/dev/null
rm -rf $folders`

let guard: ChildProcess | undefined

function tell(line: string): void {
  if (guard === undefined) {
    guard = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    guard.unref()
    if (guard.stdin !== null && 'unref' in guard.stdin) (guard.stdin as unknown as { unref(): void }).unref()
  }
  guard.stdin?.write(`${line}\n`)
}

export function guardProcess(child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined) return
  tell(`started ${String(pid)}`)
  child.once('exit', () => {
    tell(`ended ${String(pid)}`)
  })
}

/** Removed at the latest when the tests have ended. */
export function guardFolder(folder: string): void {
  tell(`folder ${folder}`)
}
