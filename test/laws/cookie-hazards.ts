/**
 * Cookies that are known to go wrong somewhere between a browser, a jar and a file, each by name. Evidence: `rfc`
 * RFC 6265bis; `tough` tough-cookie 6.1 does otherwise (field notes); `pw` Playwright's view loses it; `cr` Chromium's
 * own way, found by trying. All are held against a real Chromium by `cookie-hazards.test.ts`.
 */
export interface Hazard {
  readonly name: string
  readonly why: string
  /** Responses in order: from where, and with which Set-Cookie lines (byte strings). */
  readonly responses: readonly { readonly from: string; readonly lines: readonly string[] }[]
  /** URLs whose Cookie header is compared. */
  readonly ask: readonly string[]
}

const home = 'https://shop.test/a/b'
const utf8 = (text: string): string => Buffer.from(text).toString('latin1')
const later = 'Wed, 21 Oct 2037 07:28:00 GMT'
const past = 'Thu, 01 Jan 1970 00:00:00 GMT'

/** Steps: a Set-Cookie line, or `@` and the URL from which the following lines come (at first: `home`). */
function hazard(name: string, why: string, steps: readonly string[], ...ask: readonly string[]): Hazard {
  const responses: { from: string; lines: string[] }[] = [{ from: home, lines: [] }]
  for (const step of steps)
    if (step.startsWith('@')) responses.push({ from: step.slice(1), lines: [] })
    else responses.at(-1)?.lines.push(step)
  return { name, why, responses: responses.filter(({ lines }) => lines.length > 0), ask: [home, ...ask] }
}

const twin = 'a=host; Path=/'
const twinDomain = 'a=domain; Path=/; Domain=shop.test'

const identity = [
  hazard('host-only and domain twin', 'tough keeps one', [twin, twinDomain], 'https://www.shop.test/'),
  hazard('domain and host-only twin', 'order of creation', [twinDomain, twin], 'https://www.shop.test/'),
  hazard('twin deleted host-only', 'deletes one of two', [twin, twinDomain, 'a=; Path=/; Max-Age=0']),
  hazard('twin deleted by domain', 'deletes one of two', [
    twin,
    twinDomain,
    'a=; Path=/; Domain=shop.test; Max-Age=0',
  ]),
  hazard(
    'same name on two paths',
    'longest path first',
    ['a=1; Path=/', 'a=2; Path=/a'],
    'https://shop.test/b',
  ),
  hazard(
    'same name on parent and child host',
    'both are sent',
    ['@https://www.shop.test/', 'a=1; Domain=shop.test; Path=/', 'a=2; Path=/'],
    'https://www.shop.test/',
  ),
  hazard('partitioned and plain twin', 'tough merges them', [
    'a=1; Path=/; Secure',
    'a=2; Path=/; Secure; Partitioned',
  ]),
  hazard('partitioned twin deleted alone', 'its own identity', [
    'a=1; Path=/; Secure',
    'a=2; Path=/; Secure; Partitioned',
    'a=; Path=/; Secure; Partitioned; Max-Age=0',
  ]),
  hazard('names differ in case', 'rfc: names are case-sensitive', ['sid=1; Path=/', 'SID=2; Path=/']),
  hazard('paths differ in a slash', 'two cookies', ['a=1; Path=/a', 'a=2; Path=/a/']),
  hazard('paths differ in case', 'two cookies', ['a=1; Path=/a', 'a=2; Path=/A'], 'https://shop.test/A/x'),
  hazard('nameless beside named', 'two cookies', ['a', 'a=b']),
  hazard('two nameless are one', 'one identity', ['first; Path=/', 'second; Path=/']),
]

const order = [
  hazard('overwritten with another value moves', 'cr; rfc keeps it', ['a=1', 'b=1', 'a=2']),
  hazard('overwritten with its value stays', 'cr', ['a=1', 'b=1', 'a=1']),
  hazard('other value and back in one response', 'cr: it has moved', [
    'a=1',
    'b=1',
    '@https://shop.test/a/b',
    'a=2',
    'a=1',
  ]),
  hazard('deleted and set again moves', 'a new cookie', ['a=1', 'b=1', 'a=; Max-Age=0', 'a=1']),
  hazard('attributes change, value does not', 'keeps its place', ['a=1', 'b=1', 'a=1; HttpOnly; Secure']),
  hazard('session becomes persistent', 'keeps its place', ['a=1', 'b=1', 'a=1; Max-Age=3600']),
  hazard('persistent becomes session', 'the expiry goes', ['a=1; Max-Age=3600', 'a=1']),
  hazard('longest path before oldest', 'rfc 5.8.3', ['old=1; Path=/', 'new=1; Path=/a/b', 'mid=1; Path=/a']),
  hazard(
    'equal length, different paths',
    'then oldest',
    ['x=1; Path=/a', 'y=1; Path=/'],
    'https://shop.test/a',
  ),
  hazard('path length counts bytes', 'cr', [`x=1; Path=/${utf8('ä')}`, 'y=1; Path=/a']),
  hazard('empty value and back', 'empty is a value', ['a=1', 'b=1', 'a=', 'a=1']),
  hazard(
    'order over hosts',
    'creation, not host',
    ['@https://www.shop.test/', 'a=1; Path=/', 'b=1; Path=/; Domain=shop.test', 'c=1; Path=/'],
    'https://www.shop.test/',
  ),
]

const namesAndValues = [
  hazard('no name', 'rfc: value alone', ['=value']),
  hazard('no equals sign', 'rfc: value alone', ['value']),
  hazard('neither name nor value', 'refused', ['=', ';', '=; Path=/', '']),
  hazard('nameless with equals in the value', 'cr refuses it', ['=a=b']),
  hazard('two equals signs', 'first one counts', ['a==b', 'c=d=e=']),
  hazard('empty value', 'kept', ['a=', 'b=; Path=/']),
  hazard('quoted value', 'quotes are kept', ['a="x y"', 'b="']),
  hazard('value with spaces inside', 'kept', ['a=x y  z']),
  hazard('spaces around name and value', 'trimmed', [' a = x ; Path=/']),
  hazard('tabs around name and value', 'trimmed', ['\ta\t=\tx\t; Path=/']),
  hazard('tab inside a value', 'control character', ['a=x\ty']),
  hazard('tab inside a name', 'control character', ['a\tb=x']),
  hazard('control character in the value', 'cr refuses the line', ['a=x\u0001', 'b=1']),
  hazard('control character in the name', 'cr refuses the line', ['a\u0001=x', 'b=1']),
  hazard('DEL in the value', 'tough stores it', ['a=x\u007f', 'b=1']),
  hazard('control character in an attribute', 'cr refuses the line', ['a=1; foo=\u0001', 'b=1']),
  hazard('name in UTF-8', 'bytes on the wire', [`${utf8('ä')}=1`]),
  hazard('value in UTF-8', 'bytes on the wire', [`a=${utf8('日本 😀')}`]),
  hazard('value ends in octet A0', 'JavaScript trims it', [`a=${utf8('à')}`]),
  hazard('no-break space around a value', 'not trimmed', [`a=${utf8('\u00a0x\u00a0')}`]),
  hazard('byte order mark in a value', 'kept', [`a=${utf8('\ufeffx')}`]),
  hazard('comma in a value', 'no list', ['a=1,b=2']),
  hazard('JSON as value', 'kept', ['a={"a":[1,2],"b":"c"}']),
  hazard('percent signs', 'never decoded', ['a=%3B%20%3D', '%61=1']),
  hazard('backslashes', 'kept', ['a=x\\y\\"z\\"']),
  hazard('angle brackets', 'kept', ['a=<script>']),
  hazard('a name that is an attribute', 'only a name', ['Path=/x', 'Secure=1', 'HttpOnly']),
  hazard('a name that is __proto__', 'only a name', ['__proto__=1', 'constructor=2', 'toString=3']),
  hazard('a name with a dollar', 'no RFC 2965', ['$Version=1', '$Path=/']),
  hazard('a name in quotes', 'kept', ['"a"=1']),
  hazard('a name with a space', 'kept', ['a b=1']),
  hazard('semicolon in quotes', 'ends the value', ['a="x; Path=/"']),
]

const sizes = [
  hazard('4096 bytes', 'the largest', [`a=${'x'.repeat(4095)}`]),
  hazard('4097 bytes', 'refused', [`a=${'x'.repeat(4096)}`, 'b=1']),
  hazard('4096 bytes without name', 'the largest', ['x'.repeat(4096)]),
  hazard('a name of 4096 bytes', 'counts like a value', [`${'n'.repeat(4096)}=`]),
  hazard('4097 bytes in 2049 characters', 'bytes count', [`a=${utf8('ä'.repeat(2048))}`]),
  hazard('path of 1024 bytes', 'the largest', [`a=1; Path=/${'p'.repeat(1023)}`]),
  hazard('path of 1025 bytes', 'as if it were not there', [`a=1; Path=/${'p'.repeat(1024)}`]),
  hazard('domain of 1025 bytes', 'as if it were not there', [`a=1; Domain=${'d'.repeat(1025)}`]),
  hazard('unknown attribute of 1025 bytes', 'no matter', [`a=1; foo=${'f'.repeat(1025)}; Secure`]),
  hazard('too big does not delete', 'the old one stays', ['a=1', `a=${'x'.repeat(4096)}`]),
]

const domains = [
  hazard('leading dot', 'ignored', ['a=1; Domain=.shop.test'], 'https://www.shop.test/a'),
  hazard('two leading dots', 'refused', ['a=1; Domain=..shop.test']),
  hazard('trailing dot', 'another host', ['a=1; Domain=shop.test.']),
  hazard('upper case', 'lower case', ['a=1; Domain=SHOP.TEST'], 'https://www.shop.test/a'),
  hazard('empty domain', 'host-only', ['a=1; Domain='], 'https://www.shop.test/a'),
  hazard('domain of a dot', 'refused or host-only', ['a=1; Domain=.'], 'https://www.shop.test/a'),
  hazard('last of two domains counts', 'rfc', ['a=1; Domain=other.test; Domain=shop.test']),
  hazard(
    'empty domain after a domain',
    'last counts',
    ['a=1; Domain=shop.test; Domain='],
    'https://www.shop.test/a',
  ),
  hazard('foreign domain', 'refused', ['a=1; Domain=other.test', 'b=1']),
  hazard('suffix that is no parent', 'refused', ['a=1; Domain=hop.test']),
  hazard('child domain', 'refused', ['a=1; Domain=www.shop.test']),
  hazard('top-level domain', 'public suffix', ['a=1; Domain=test']),
  hazard('domain with a port', 'refused', ['a=1; Domain=shop.test:443']),
  hazard('domain with a slash', 'refused', ['a=1; Domain=shop.test/']),
  hazard('domain in quotes', 'refused', ['a=1; Domain="shop.test"']),
  hazard('domain with percent-escapes', 'cr decodes', ['a=1; Domain=sh%6Fp.test']),
  hazard('domain with an umlaut', 'punycode', [`a=1; Domain=${utf8('bücher.test')}`]),
  hazard(
    'host of one label',
    'tough refuses the object',
    ['@https://keycloak/', 'a=1; Path=/'],
    'https://keycloak/',
  ),
  hazard(
    'host of one label names itself',
    'host-only',
    ['@https://keycloak/', 'a=1; Domain=keycloak; Path=/'],
    'https://keycloak/',
  ),
  hazard(
    'host of one label names another',
    'refused',
    ['@https://keycloak/', 'a=1; Domain=intranet; Path=/'],
    'https://keycloak/',
    'https://intranet/',
  ),
  hazard(
    'host is a public suffix',
    'host-only',
    ['@https://github.io/', 'a=1; Path=/'],
    'https://github.io/',
    'https://alice.github.io/',
  ),
  hazard(
    'public suffix names itself',
    'host-only',
    ['@https://github.io/', 'a=1; Domain=github.io; Path=/'],
    'https://github.io/',
    'https://alice.github.io/',
  ),
  hazard(
    'below a public suffix',
    'refused',
    ['@https://alice.github.io/', 'a=1; Domain=github.io; Path=/'],
    'https://alice.github.io/',
  ),
  hazard(
    'registrable below a public suffix',
    'domain cookie',
    ['@https://alice.github.io/', 'a=1; Domain=alice.github.io; Path=/'],
    'https://alice.github.io/',
  ),
  hazard(
    'suffix of two labels',
    'refused',
    ['@https://shop.co.uk/', 'a=1; Domain=co.uk; Path=/', 'b=1; Domain=shop.co.uk; Path=/'],
    'https://shop.co.uk/',
  ),
  hazard('IPv4 address', 'host-only', ['@http://10.1.2.3/', 'a=1; Path=/'], 'http://10.1.2.3/'),
  hazard(
    'IPv4 address names itself',
    'host-only',
    ['@http://10.1.2.3/', 'a=1; Domain=10.1.2.3; Path=/'],
    'http://10.1.2.3/',
  ),
  hazard(
    'IPv4 address with a dot before it',
    'cr',
    ['@http://10.1.2.3/', 'a=1; Domain=.10.1.2.3; Path=/'],
    'http://10.1.2.3/',
  ),
  hazard(
    'part of an IPv4 address',
    'refused',
    ['@http://10.1.2.3/', 'a=1; Domain=1.2.3; Path=/'],
    'http://10.1.2.3/',
  ),
  hazard(
    'short form of an IPv4 address',
    'cr',
    ['@http://127.0.0.1/', 'a=1; Domain=127.1; Path=/'],
    'http://127.0.0.1/',
  ),
  hazard(
    'IPv6 address',
    'tough drops the brackets',
    ['@http://[fd00::7]/', 'a=1; Path=/'],
    'http://[fd00::7]/',
  ),
  hazard(
    'IPv6 address names itself',
    'cr',
    ['@http://[fd00::7]/', 'a=1; Domain=[fd00::7]; Path=/'],
    'http://[fd00::7]/',
  ),
  hazard(
    'IPv6 without brackets',
    'refused',
    ['@http://[fd00::7]/', 'a=1; Domain=fd00::7; Path=/'],
    'http://[fd00::7]/',
  ),
  hazard(
    'localhost',
    'trustworthy',
    ['@http://localhost/', 'a=1; Path=/; Secure', 'b=1; Domain=localhost; Path=/'],
    'http://localhost/',
  ),
]

const pathsCases = [
  hazard('default path', 'directory of the URL', ['a=1'], 'https://shop.test/a', 'https://shop.test/'),
  hazard('default path at the top', 'the root', ['@https://shop.test/a', 'a=1'], 'https://shop.test/'),
  hazard(
    'default path with a slash at the end',
    'without the slash',
    ['@https://shop.test/a/b/', 'a=1'],
    'https://shop.test/a/b',
  ),
  hazard('empty path', 'default path', ['a=1; Path=']),
  hazard('relative path', 'default path', ['a=1; Path=x']),
  hazard('path in quotes', 'default path', ['a=1; Path="/"']),
  hazard('spaces around a path', 'trimmed', ['a=1; Path= /a ']),
  hazard('path is no prefix of a word', '/a is not /ab', ['a=1; Path=/a'], 'https://shop.test/ab'),
  hazard('path with a slash at the end', 'not the page itself', ['a=1; Path=/a/'], 'https://shop.test/a'),
  hazard(
    'path with percent-escapes',
    'tough decodes the URL',
    ['a=1; Path=/a%20b'],
    'https://shop.test/a%20b/x',
  ),
  hazard('path with an escaped letter', 'compared as it is', ['a=1; Path=/%61']),
  hazard('path with a space', 'not what a URL has', ['a=1; Path=/a b'], 'https://shop.test/a%20b/x'),
  hazard('path in UTF-8', 'not what a URL has', [`a=1; Path=/${utf8('ä')}`]),
  hazard('path with dots', 'not resolved', ['a=1; Path=/a/../b'], 'https://shop.test/b'),
  hazard('path with two slashes', 'compared as it is', ['a=1; Path=/a//b'], 'https://shop.test/a//b'),
  hazard('path with a query', 'compared as it is', ['a=1; Path=/a?x']),
  hazard('last of two paths counts', 'rfc', ['a=1; Path=/x; Path=/']),
  hazard('empty path after a path', 'last counts', ['a=1; Path=/; Path=']),
  hazard('a query is not part of the path', 'URL with a query', ['a=1; Path=/a'], 'https://shop.test/a?b=/c'),
]

const lifetimes = [
  hazard('no expiry', 'session cookie', ['a=1']),
  hazard('Expires', 'persistent', [`a=1; Expires=${later}`]),
  hazard('Expires in the past', 'deletes', ['a=1', `a=2; Expires=${past}`]),
  hazard('Expires in the past, unknown cookie', 'nothing', [`a=2; Expires=${past}`]),
  hazard('Max-Age', 'persistent', ['a=1; Max-Age=3600']),
  hazard('Max-Age before Expires', 'Max-Age wins', [
    `a=1; Expires=${past}; Max-Age=3600`,
    `b=1; Max-Age=0; Expires=${later}`,
  ]),
  hazard('Max-Age 0', 'deletes', ['a=1', 'a=2; Max-Age=0']),
  hazard('Max-Age below 0', 'deletes', ['a=1', 'a=2; Max-Age=-1']),
  hazard('Max-Age is empty', 'ignored', ['a=1; Max-Age=']),
  hazard('Max-Age in quotes', 'ignored', ['a=1; Max-Age="3600"']),
  hazard('Max-Age with a plus', 'cr', ['a=1; Max-Age=+3600']),
  hazard('Max-Age with a fraction', 'ignored', ['a=1; Max-Age=3600.5']),
  hazard('Max-Age with letters', 'ignored', ['a=1; Max-Age=3600s']),
  hazard('Max-Age too large', 'cut to 400 days', ['a=1; Max-Age=99999999999999999999']),
  hazard('Max-Age too small', 'deletes', ['a=1', 'a=1; Max-Age=-99999999999999999999']),
  hazard('more than 400 days', 'cut', [
    'a=1; Max-Age=34560001',
    'b=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT',
  ]),
  hazard('year of two digits', 'rfc 850', ['a=1; Expires=Wednesday, 21-Oct-37 07:28:00 GMT']),
  hazard('asctime date', 'read', ['a=1; Expires=Wed Oct 21 07:28:00 2037']),
  hazard('ISO date', 'not a date', ['a=1; Expires=2037-10-21T07:28:00Z']),
  hazard('Unix time', 'not a date', ['a=1; Expires=2140000000']),
  hazard('Expires 0', 'session cookie', ['a=1; Expires=0']),
  hazard('31 February', 'not a date', ['a=1; Expires=Fri, 31 Feb 2037 07:28:00 GMT']),
  hazard('time zone', 'ignored', ['a=1; Expires=Wed, 21 Oct 2037 07:28:00 +0200']),
  hazard('date without seconds', 'not a date', ['a=1; Expires=21 Oct 2037 07:28']),
  hazard('24 o’clock', 'not a date', ['a=1; Expires=21 Oct 2037 24:00:00']),
  hazard('date in quotes', 'read', [`a=1; Expires="${later}"`]),
  hazard('year before 1601', 'over', ['a=1', 'a=2; Expires=30 Jun 1600 01:02:03']),
]

const security = [
  hazard('Secure over https', 'not over http', ['a=1; Secure; Path=/'], 'http://shop.test/'),
  hazard(
    'Secure over http',
    'refused',
    ['@http://shop.test/', 'a=1; Secure; Path=/', 'b=1; Path=/'],
    'http://shop.test/',
  ),
  hazard('Secure with a value', 'still Secure', ['a=1; Secure=false; Path=/'], 'http://shop.test/'),
  hazard(
    'http may not overwrite Secure',
    'leave secure cookies alone',
    ['a=1; Secure; Path=/', '@http://shop.test/', 'a=2; Path=/'],
    'http://shop.test/',
  ),
  hazard('http may not delete Secure', 'leave secure cookies alone', [
    'a=1; Secure; Path=/',
    '@http://shop.test/',
    'a=; Path=/; Max-Age=0',
  ]),
  hazard(
    'http may not overlay by domain',
    'leave secure cookies alone',
    ['a=1; Secure; Path=/', '@http://www.shop.test/', 'a=2; Domain=shop.test; Path=/'],
    'http://shop.test/',
  ),
  hazard(
    'http may not overlay a parent’s',
    'either direction',
    ['a=1; Secure; Domain=shop.test; Path=/', '@http://www.shop.test/', 'a=2; Path=/'],
    'http://www.shop.test/',
  ),
  hazard(
    'http may not overlay a deeper path',
    'paths are matched',
    ['a=1; Secure; Path=/a', '@http://shop.test/', 'a=2; Path=/a/b'],
    'http://shop.test/a/b',
  ),
  hazard(
    'http may set a shorter path',
    'paths are matched',
    ['a=1; Secure; Path=/a', '@http://shop.test/', 'a=2; Path=/'],
    'http://shop.test/',
  ),
  hazard(
    'http may set another name',
    'only the same name',
    ['a=1; Secure; Path=/', '@http://shop.test/', 'b=2; Path=/'],
    'http://shop.test/',
  ),
  hazard('https may drop Secure', 'allowed', ['a=1; Secure; Path=/', 'a=1; Path=/'], 'http://shop.test/'),
  hazard('plain cookie to https', 'sent', ['@http://shop.test/', 'a=1; Path=/']),
  hazard('HttpOnly with a value', 'still HttpOnly', ['a=1; HttpOnly=no']),
  hazard('SameSite None without Secure', 'refused', ['a=1; SameSite=None', 'b=1']),
  hazard('SameSite None with Secure', 'kept', ['a=1; SameSite=None; Secure']),
  hazard('SameSite unknown', 'as if not said', ['a=1; SameSite=Foo']),
  hazard('SameSite empty', 'as if not said', ['a=1; SameSite']),
  hazard('SameSite in any case', 'read', ['a=1; samesite=STRICT', 'b=1; SAMESITE=lax']),
  hazard('SameSite unset is not Lax', 'pw shows Lax', ['a=1', 'b=1; SameSite=Lax']),
  hazard('last of two SameSite counts', 'rfc', ['a=1; SameSite=Strict; SameSite=Lax']),
  hazard('Priority', 'pw loses it', ['a=1; Priority=High', 'b=1; Priority=Low', 'c=1; Priority=foo']),
  hazard('Partitioned', 'chips', ['a=1; Secure; Path=/; Partitioned'], 'http://shop.test/'),
  hazard('Partitioned without Secure', 'refused', ['a=1; Path=/; Partitioned', 'b=1']),
  hazard('Partitioned with SameSite Lax', 'kept', ['a=1; Secure; Path=/; SameSite=Lax; Partitioned']),
  hazard(
    'Partitioned with a Domain',
    'kept',
    ['a=1; Secure; Path=/; Domain=shop.test; Partitioned'],
    'https://www.shop.test/',
  ),
  hazard('unknown attributes', 'ignored', ['a=1; foo; bar=baz; Version=1; Comment=x']),
  hazard('attribute without name', 'ignored', ['a=1; =x; ; Secure']),
]

const prefixes = [
  hazard('__Host- as it must be', 'kept', ['__Host-a=1; Secure; Path=/']),
  hazard('__Host- without Secure', 'refused', ['__Host-a=1; Path=/', 'b=1']),
  hazard('__Host- without Path', 'refused', ['__Host-a=1; Secure', 'b=1']),
  hazard('__Host- with another path', 'refused', ['__Host-a=1; Secure; Path=/a', 'b=1']),
  hazard('__Host- with a Domain', 'refused', ['__Host-a=1; Secure; Path=/; Domain=shop.test', 'b=1']),
  hazard('__Host- with an empty Domain', 'cr', ['__Host-a=1; Secure; Path=/; Domain=', 'b=1']),
  hazard('__Host- by default path', 'cr', ['@https://shop.test/', '__Host-a=1; Secure', 'b=1; Path=/']),
  hazard('__Host- in lower case', 'any case', ['__host-a=1; Path=/', 'b=1']),
  hazard(
    '__Host- over http',
    'refused',
    ['@http://shop.test/', '__Host-a=1; Secure; Path=/', 'b=1; Path=/'],
    'http://shop.test/',
  ),
  hazard('__Secure- as it must be', 'kept', ['__Secure-a=1; Secure']),
  hazard('__Secure- without Secure', 'refused', ['__Secure-a=1', 'b=1']),
  hazard('__Secure- in any case', 'any case', ['__sEcUrE-a=1', 'b=1']),
  hazard('__Http- as it must be', 'cr', ['__Http-a=1; Secure; HttpOnly']),
  hazard('__Http- without HttpOnly', 'cr', ['__Http-a=1; Secure', 'b=1']),
  hazard('__Http- without Secure', 'cr', ['__Http-a=1; HttpOnly', 'b=1']),
  hazard('__Host-Http- as it must be', 'cr', ['__Host-Http-a=1; Secure; HttpOnly; Path=/']),
  hazard('__Host-Http- without HttpOnly', 'cr', ['__Host-Http-a=1; Secure; Path=/', 'b=1']),
  hazard('__Host-Http- with a path', 'cr', ['__Host-Http-a=1; Secure; HttpOnly; Path=/a', 'b=1']),
  hazard('prefix in a nameless cookie', 'refused', ['=__Host-a=1; Secure; Path=/', '__Secure-a', 'b=1']),
  hazard('prefix after a space', 'trimmed, then judged', [' __Host-a=1; Path=/', 'b=1']),
  hazard('prefix without a dash', 'only a name', ['__Host=1', '__Secure=1']),
  hazard(
    '__Host- on localhost over http',
    'trustworthy',
    ['@http://localhost/', '__Host-a=1; Secure; Path=/'],
    'http://localhost/',
  ),
  hazard('prefix with nothing behind it', 'a name', ['__Host-=1; Secure; Path=/']),
]

export const hazards: readonly Hazard[] = [
  ...identity,
  ...order,
  ...namesAndValues,
  ...sizes,
  ...domains,
  ...pathsCases,
  ...lifetimes,
  ...security,
  ...prefixes,
]
