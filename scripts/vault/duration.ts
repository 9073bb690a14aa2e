import { CommandError, exitCodes } from '../terminal/exit-codes.ts'

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `15m`, `12h`, `30d` in ms. Throws `CommandError` that names the option. */
export function durationOf(text: string, option: string): number {
  const [, number = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([smhd])$/.exec(text) ?? []
  if (unit === '')
    throw new CommandError('usage', exitCodes.other, `${option} takes a time such as 90s, 15m, 12h or 30d.`)
  return Number(number) * units[unit as keyof typeof units]
}
