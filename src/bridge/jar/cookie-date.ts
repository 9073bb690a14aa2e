/**
 * Reads an Expires attribute as Chromium does (`ParseCookieExpirationTime`): any order of fields, almost anything as
 * delimiter, two-digit years, no time zones; a date that does not exist, such as 30 February, is no date.
 */

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const delimiters = /[\t !"#$%&'()*+,\-./;<=>?@[\\\]^_`{|}~]+/

interface Fields {
  year?: number
  month?: number
  day?: number
  time?: readonly [hour: number, minute: number, second: number]
}

/** Unix milliseconds, or `undefined` when it is no date. */
export function parseCookieDate(text: string): number | undefined {
  const fields: Fields = {}
  for (const token of text.split(delimiters)) if (token !== '') readToken(token, fields)
  const { year, month, day, time } = fields
  if (year === undefined || month === undefined || day === undefined || time === undefined) return undefined
  return instant(fullYear(year), month, day, time)
}

/** Each field is taken from the first token that can be it; what is left over is ignored. */
function readToken(token: string, fields: Fields): void {
  if (!/^\d/.test(token)) {
    const month = months.indexOf(token.slice(0, 3).toLowerCase())
    if (month !== -1) fields.month ??= month
  } else if (token.includes(':')) {
    const time = /^(\d+):(\d+):(\d+)$/.exec(token)
    if (time !== null) fields.time ??= [Number(time[1]), Number(time[2]), Number(time[3])]
  } else if (!/^\d+$/.test(token)) {
    return
  } else if (fields.day === undefined && token.length <= 2) {
    fields.day = Number(token)
  } else if (fields.year === undefined && token.length <= 5) {
    fields.year = Number(token)
  }
}

function fullYear(year: number): number {
  if (year >= 70 && year <= 99) return year + 1900
  return year <= 69 ? year + 2000 : year
}

function instant(
  year: number,
  month: number,
  day: number,
  [hour, minute, second]: readonly [number, number, number],
): number | undefined {
  if (day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month, day)
  date.setUTCHours(hour, minute, second)
  return date.getUTCMonth() === month ? date.getTime() : undefined
}
