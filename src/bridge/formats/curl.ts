import { commandFormat, options, type Program } from './command-line.ts'
import type { Format } from './format.ts'
import { shellQuote } from './shell-words.ts'

const program: Program = {
  name: 'curl',
  title: 'a curl command',
  valued: options(
    '-A -d -D -e -E -F -K -m -o -P -Q -r -t -T -U -w -x -X -y -Y -z -C --abstract-unix-socket --ca-native --cacert ' +
      '--capath --cert --ciphers --compressed-ssh --config --connect-timeout --connect-to --continue-at --cookie-jar ' +
      '--data --data-ascii --data-binary --data-raw --data-urlencode --dump-header --form --form-string --interface ' +
      '--json --key --limit-rate --max-filesize --max-redirs --max-time --noproxy --output --output-dir --pass ' +
      '--proxy --proxy-header --range --rate --referer --request --resolve --retry --retry-delay --retry-max-time ' +
      '--socks4 --socks5 --socks5-hostname --stderr --tls-max --trace --trace-ascii --unix-socket --upload-file ' +
      '--url-query --user-agent --write-out -c',
  ),
  header: ['-H', '--header'],
  cookie: ['-b', '--cookie'],
  url: ['--url'],
  elsewhere: {
    '-u': 'the user and password of -u were left out: a state has none',
    '--user': 'the user and password of --user were left out: a state has none',
    '--oauth2-bearer': 'the token of --oauth2-bearer was left out: a state has no headers',
  },
}

/**
 * A curl command, as developer tools copy it (for bash and for cmd), and as we write it: with -H and not with -b, for
 * curl takes a -b without `=`, such as a cookie without a name, for a file.
 */
export const curl: Format = commandFormat(program, (header, url) =>
  ['curl', ...(header === '' ? [] : ['-H', shellQuote(header)]), shellQuote(url)].join(' '),
)
