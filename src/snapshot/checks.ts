/** The path of the first field that is not as it must be; never a value. */
export type Fault = string | undefined
export type Check = (value: unknown, path: string) => Fault

const rule =
  (holds: (value: unknown) => boolean): Check =>
  (value, path) =>
    holds(value) ? undefined : path

export const text = rule((value) => typeof value === 'string')
export const number = rule(Number.isFinite)
export const count = rule((value) => Number.isSafeInteger(value) && (value as number) >= 0)
export const flag = rule((value) => typeof value === 'boolean')
export const oneOf = (...options: readonly unknown[]): Check => rule((value) => options.includes(value))

export const listOf =
  (item: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return path
    for (let index = 0; index < value.length; index++) {
      const fault = item(value[index], `${path}[${String(index)}]`)
      if (fault !== undefined) return fault
    }
    return undefined
  }

export const pairOf =
  (item: Check): Check =>
  (value, path) =>
    Array.isArray(value) && value.length === 2 ? listOf(item)(value, path) : path

type OptionalKey<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T]
/** A check for each field: one that is added to the type and forgotten here does not compile. */
type Required<T> = Readonly<Record<Exclude<keyof T, OptionalKey<T>>, Check>>
type Optional<T> = Readonly<Record<OptionalKey<T>, Check>>

export function object<T>(required: Required<T>, optional: Optional<T>): Check {
  const needed = Object.entries<Check>(required)
  const allowed = Object.entries<Check>(optional)
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return path
    const fields = value as Record<string, unknown>
    for (const [name, check] of needed) {
      const fault = Object.hasOwn(fields, name) ? check(fields[name], `${path}.${name}`) : `${path}.${name}`
      if (fault !== undefined) return fault
    }
    for (const [name, check] of allowed) {
      if (!Object.hasOwn(fields, name) || fields[name] === undefined) continue
      const fault = check(fields[name], `${path}.${name}`)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}
