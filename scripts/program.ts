import { Command, CommanderError, Option } from 'commander'
import { readFileSync } from 'node:fs'
import type { CaptureOptions } from './capture.ts'
import type { CheckOptions } from './check.ts'
import type { ConvertOptions } from './convert.ts'
import type { CurlOptions } from './curl.ts'
import type { DiffOptions } from './diff.ts'
import type { ExportOptions } from './export.ts'
import { addReadingOptions, addWritingOptions } from './formats/describe.ts'
import type { ImportOptions } from './import.ts'
import type { ListOptions } from './list.ts'
import type { MinimizeOptions } from './minimize.ts'
import { describeOperations } from './operations.ts'
import type { RemoveOptions } from './remove.ts'
import type { ShowOptions } from './show.ts'
import type { Call } from './terminal/call.ts'
import { exitCodeHelp, exitCodes, failureOf, framesOf } from './terminal/exit-codes.ts'
import { listenForInterrupts } from './terminal/interrupts.ts'
import { assertReaderGone, Screen } from './terminal/screen.ts'
import { addCommonOptions, addNetworkOptions, gather, type CommonOptions } from './vault/settings.ts'

/** Runs the command as typed (without node and script) and gives its exit code. Modules are loaded where they are used. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  // Help is written by commander, before there is a screen.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', assertReaderGone)
  let exitCode: number = exitCodes.ok
  const program = describe((code) => {
    exitCode = code
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    // commander has said what was wrong; help and version come this way too, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.other
    throw error
  }
  return exitCode
}

function describe(done: (exitCode: number) => void): Command {
  const program = new Command('sessionbridge')
    .description('One login, done once in a real browser, then used everywhere.')
    .version(version(), '--version')
    .exitOverride()
    .showHelpAfterError('(--help says more)')
    .addHelpText('after', exitCodeHelp)

  const command = (usage: string, about: string): Command =>
    addCommonOptions(program.command(usage).description(about)).addHelpText('after', exitCodeHelp)
  const explain = ['--explain', 'why each thing was kept or cut, with the rule'] as const
  const account = ['--account <name>', 'second part of the session name', 'default'] as const

  addNetworkOptions(
    command(
      'capture <url-or-recipe>',
      'sign in once and keep the session: a recipe file (.ts, .js, .yaml), or a URL to sign in by hand',
    ),
  )
    .option(...account)
    .option('--name <name>', 'first part of the session name (default: what the recipe or the host says)')
    .option('--headless', 'without a window; the recipe signs in by itself')
    .option('--force', 'sign in even if the stored session is alive')
    .option('--browser <path>', 'browser to use (default: SESSIONBRIDGE_BROWSER, else what is found)')
    .option('--browser-arg <arg>', 'further argument for the browser (repeatable; no secrets)', gather)
    .option('--screenshots <dir>', 'where the screenshot of a failed login goes')
    .addOption(trackers())
    .option(...explain)
    .action((target: string, options: CaptureOptions) =>
      run(options, done, async (call: Call<CaptureOptions>) =>
        (await import('./capture.ts')).capture(call, target),
      ),
    )

  command('list', 'the stored sessions')
    .option('--account <name>', 'only those of this account')
    .action((options: ListOptions) =>
      run(options, done, async (call: Call<ListOptions>) => (await import('./list.ts')).list(call)),
    )

  command('show <name>', 'what a session holds: names, places, lifetimes, never values')
    .option(...explain)
    .action((name: string, options: ShowOptions) =>
      run(options, done, async (call: Call<ShowOptions>) => (await import('./show.ts')).show(call, name)),
    )

  addWritingOptions(command('export <name>', 'write the state out, secrets and all')).action(
    (name: string, options: ExportOptions) =>
      run(options, done, async (call: Call<ExportOptions>) =>
        (await import('./export.ts')).exportSession(call, name),
      ),
  )

  addReadingOptions(
    command('import <file> <name>', 'keep the state of a file (- is stdin) as a session').addOption(
      trackers(),
    ),
  )
    .option('--force', 'replace a stored session of that name')
    .action((file: string, name: string, options: ImportOptions) =>
      run(options, done, async (call: Call<ImportOptions>) =>
        (await import('./import.ts')).importSession(call, file, name),
      ),
    )

  addWritingOptions(
    addReadingOptions(
      command('convert <file>', 'from one format to another; - is stdin, no store is needed'),
    ),
  )
    .option('--out <file>', 'where the result goes, readable by you alone (default: stdout)')
    .action((file: string, options: ConvertOptions) =>
      run(options, done, async (call: Call<ConvertOptions>) =>
        (await import('./convert.ts')).convert(call, file),
      ),
    )

  addReadingOptions(
    command('diff <a> <b>', 'compare two files or sessions: what differs is named, values are not shown'),
  ).action((a: string, b: string, options: DiffOptions) =>
    run(options, done, async (call: Call<DiffOptions>) => (await import('./diff.ts')).diff(call, a, b)),
  )

  addNetworkOptions(command('curl <name> <url>', 'ask a URL with the session; the body goes to stdout'))
    .option('-X, --request <method>', 'method (default: GET, with -d POST)')
    .option('-H, --header <line>', 'further header, "Name: value" (repeatable)', gather)
    .option('-d, --data <data>', 'body; @file reads a file, @- stdin')
    .option('-i, --include', 'status and headers before the body (cookie values masked)')
    .option('-o, --output <file>', 'body into a file (a new one is readable by you alone)')
    .option('-f, --fail', 'no body and exit code 1 for status 400 and above')
    .action((name: string, url: string, options: CurlOptions) =>
      run(options, done, async (call: Call<CurlOptions>) =>
        (await import('./curl.ts')).curl(call, name, url),
      ),
    )

  addNetworkOptions(
    command('check <name>', 'ask the server whether it takes the session: 0 alive, 2 dead'),
  ).action((name: string, options: CheckOptions) =>
    run(options, done, async (call: Call<CheckOptions>) => (await import('./check.ts')).check(call, name)),
  )

  addNetworkOptions(
    command('minimize <name>', 'find the smallest state that the server still takes as signed in'),
  )
    .option('--apply', 'put it in place of the stored one')
    .option('--keep <name>', 'a cookie or storage key that stays; * for any rest (repeatable)', gather)
    .action((name: string, options: MinimizeOptions) =>
      run(options, done, async (call: Call<MinimizeOptions>) =>
        (await import('./minimize.ts')).minimize(call, name),
      ),
    )

  command('remove <name>', 'forget a stored session')
    .option('-y, --yes', 'without a question')
    .option('--everywhere', 'its events and failed logins, too')
    .action((name: string, options: RemoveOptions) =>
      run(options, done, async (call: Call<RemoveOptions>) =>
        (await import('./remove.ts')).remove(call, name),
      ),
    )

  describeOperations({ command, run: (options, work) => run(options, done, work) })

  command('keygen', 'a new sealing key').action((options: CommonOptions) =>
    run(options, done, async (call) => (await import('./keygen.ts')).keygen(call)),
  )
  return program
}

const trackers = (): Option =>
  new Option('--trackers <what>', 'cookies and storage of analytics')
    .choices(['drop', 'keep'])
    .default('drop')

/** Runs one sub-command; whatever it throws becomes one sentence and an exit code. */
async function run<Options extends CommonOptions>(
  options: Options,
  done: (exitCode: number) => void,
  work: (call: Call<Options>) => Promise<number>,
): Promise<void> {
  const screen = new Screen({ json: options.json === true, quiet: options.quiet === true })
  const interrupts = listenForInterrupts()
  try {
    const exitCode = await work({ options, screen, signal: interrupts.signal })
    done(interrupts.exitCode ?? exitCode)
  } catch (error) {
    if (interrupts.exitCode === undefined) {
      const { code, exitCode, message } = failureOf(error)
      await screen.data({ error: { code, message, exitCode } })
      screen.error(`sessionbridge: ${message}`)
      if (options.verbose === true) screen.error(framesOf(error))
      done(exitCode)
    } else {
      const { exitCode } = interrupts
      const message = 'interrupted; nothing was changed that was not finished'
      await screen.data({ error: { code: 'interrupted', message, exitCode } })
      screen.error(`sessionbridge: ${message}`)
      done(exitCode)
    }
  } finally {
    screen.stop()
    interrupts.stop()
  }
}

/** The package's: two folders up in `dist/scripts`, one in the sources. */
function version(): string {
  for (const place of ['../../package.json', '../package.json']) {
    try {
      const facts = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as Record<
        string,
        unknown
      >
      if (facts['name'] === 'sessionbridge' && typeof facts['version'] === 'string') return facts['version']
    } catch {
      // the other place
    }
  }
  return 'unknown'
}
