import type { Command } from 'commander'

/** By name and not from the library: help is printed without loading it. `test/doors/formats.test.ts` compares. */
const names =
  'sessionbridge, playwright, netscape, cookie-editor, puppeteer, selenium, tough-cookie, cdp, har, ' +
  'cookie-header, curl, wget, document-cookie'

const url = ['--url <url>', 'the site, for formats that do not say it (a host means https)'] as const

export function addReadingOptions(command: Command): Command {
  return command.option('--from <format>', `what the file is in: auto, ${names}`, 'auto').option(...url)
}

export function addWritingOptions(command: Command): Command {
  command
    .requiredOption('--to <format>', names)
    .option('--strict', 'refuse (4) when the format cannot express everything')
  return command.options.some(({ long }) => long === '--url') ? command : command.option(...url)
}
