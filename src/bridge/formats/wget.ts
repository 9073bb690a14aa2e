import { commandFormat, options, type Program } from './command-line.ts'
import type { Format } from './format.ts'
import { shellQuote } from './shell-words.ts'

const program: Program = {
  name: 'wget',
  title: 'a wget command',
  valued: options(
    '-a -A -B -D -e -i -I -l -o -O -P -Q -R -t -T -U -w -X --accept --base --body-data --body-file --ca-certificate ' +
      '--certificate --directory-prefix --domains --execute --input-file --level --limit-rate --max-redirect --method ' +
      '--output-document --output-file --post-data --post-file --private-key --referer --reject --save-cookies ' +
      '--timeout --tries --user-agent --wait',
  ),
  header: ['--header'],
  cookie: [],
  url: [],
  elsewhere: {
    '--load-cookies': '--load-cookies names a file of cookies; read that file itself',
    '--user': 'the user of --user was left out: a state has none',
    '--password': 'the password of --password was left out: a state has none',
    '--http-user': 'the user of --http-user was left out: a state has none',
    '--http-password': 'the password of --http-password was left out: a state has none',
  },
}

/**
 * A wget command with `--header 'Cookie: …'`. Without --no-cookies wget would add a second Cookie header of its own as
 * soon as an answer sets one.
 */
export const wget: Format = commandFormat(program, (header, url) => {
  const cookies = header === '' ? [] : ['--no-cookies', `--header ${shellQuote(header)}`]
  return ['wget', ...cookies, shellQuote(url)].join(' ')
})
