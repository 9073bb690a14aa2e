import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const TRACED =
  'openat,?open,write,pwrite64,fsync,?link,linkat,?rename,?renameat,renameat2,?unlink,unlinkat,?mkdir,mkdirat'

/** Says why system calls cannot be traced here, or `undefined` when they can. */
export function whyNoTrace(): string | undefined {
  const run = spawnSync('strace', ['-f', '-o', '/dev/null', process.execPath, '--version'])
  if (run.error !== undefined) return 'there is no strace here (on Debian: apt-get install strace)'
  return run.status === 0 ? undefined : `strace does not work here: ${run.stderr.toString().slice(0, 200)}`
}

/**
 * Runs a module and gives what it did below the folder and what it said on standard output, in order:
 * `make <file>`, `write <file>`, `sync <file or folder>`, `link <new name>`, `rename <old> to <new>`, `unlink <file>`,
 * `make folder <folder>`, `say <text>`. A sync counts when it has ended, anything else when it begins. Calls that
 * failed are left out, and so is what is deleted below `.work`. Marks of processes read `<mark>`.
 */
export function traced(code: string, folder: string): string[] {
  const output = join(folder, 'strace')
  const command = [process.execPath, '--input-type=module', '-e', code]
  const run = spawnSync('strace', ['-f', '-y', '-e', `trace=${TRACED}`, '-o', output, ...command], {
    timeout: 120_000,
  })
  if (run.status !== 0) throw new Error(`the traced process failed: ${run.stderr.toString()}`)
  const events = callsIn(readFileSync(output, 'utf8')).map((call) => eventOf(call, `${folder}/`))
  return events.filter((event, index) => event !== undefined && event !== events[index - 1]) as string[]
}

interface SystemCall {
  readonly name: string
  readonly args: string
}

function callsIn(trace: string): SystemCall[] {
  const calls: { at: number; call: SystemCall }[] = []
  const begun = new Map<string, { at: number; text: string }>()
  for (const [at, line] of trace.split('\n').entries()) {
    const [, thread = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(text)?.[1]
    if (unfinished !== undefined) begun.set(thread, { at, text: unfinished })
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1]
    const start = resumed === undefined ? undefined : begun.get(thread)
    const [, name, args] =
      /^(\w+)\((.*)\)\s+= \d/.exec(start === undefined ? text : start.text + (resumed ?? '')) ?? []
    if (name === undefined || args === undefined) continue
    calls.push({ at: name === 'fsync' ? at : (start?.at ?? at), call: { name, args } })
  }
  return calls.sort((a, b) => a.at - b.at).map(({ call }) => call)
}

function eventOf({ name, args }: SystemCall, folder: string): string | undefined {
  const said = /^1<.*>, "(.*)\\n"/.exec(args)?.[1]
  if (name === 'write' && said !== undefined) return `say ${said}`
  const short = (path: string): string =>
    path.slice(folder.length).replace(/\b[0-9a-f]{12}-\d+\.\d+-[0-9a-f]{12}\b/, '<mark>')
  const paths = [...args.matchAll(/[<"](\/[^>"]*)[>"]/g)].map(([, path = '']) => path)
  const [path, target] = paths.filter((one) => `${one}/`.startsWith(folder)).map(short)
  if (path === undefined) return undefined
  if (name.startsWith('open')) return args.includes('O_CREAT') ? `make ${path}` : undefined
  if (name.includes('write')) return `write ${path}`
  if (name === 'fsync') return `sync ${path}`
  if (name.startsWith('link')) return `link ${target ?? ''}`
  if (name.startsWith('rename')) return `rename ${path} to ${target ?? ''}`
  if (name.startsWith('mkdir')) return `make folder ${path}`
  return path.includes('.work') ? undefined : `unlink ${path}`
}
