/**
 * A smallest part of `items` that still passes: nothing can be left out of it one by one. Delta debugging (Zeller and
 * Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002) with the halves asked first, so that one needed
 * thing among n costs about 2·log2(n) questions. `items` themselves are known to pass, nothing at all is known not to.
 * `passes` may answer `undefined`: asked enough, what is left by then comes back.
 */
export async function smallest<T>(
  items: readonly T[],
  passes: (part: readonly T[]) => Promise<boolean | undefined>,
): Promise<readonly T[]> {
  const asked = new Map<string, boolean>()
  const place = new Map(items.map((item, at) => [item, at]))
  const ask = async (part: readonly T[]): Promise<boolean | undefined> => {
    if (part.length === 0) return false
    const key = part.map((item) => String(place.get(item))).join(',')
    const known = asked.get(key)
    if (known !== undefined) return known
    const answer = await passes(part)
    if (answer !== undefined) asked.set(key, answer)
    return answer
  }

  let left = items
  let parts = 2
  while (left.length > 1) {
    const step = await narrower(left, Math.min(parts, left.length), ask)
    if (step === undefined) return left
    if (step.part !== undefined) left = step.part
    else if (parts >= left.length) return left
    parts = step.part === undefined ? parts * 2 : step.parts
  }
  return left
}

interface Step<T> {
  /** What passes; `undefined` when nothing smaller does at this grain. */
  readonly part: readonly T[] | undefined
  /** How finely to cut it next. */
  readonly parts: number
}

/** One of the groups alone, or all without one of them. `undefined`: asked enough. */
async function narrower<T>(
  left: readonly T[],
  parts: number,
  ask: (part: readonly T[]) => Promise<boolean | undefined>,
): Promise<Step<T> | undefined> {
  const groups = split(left, parts)
  for (const group of groups) {
    const answer = await ask(group)
    if (answer === undefined) return undefined
    if (answer) return { part: group, parts: 2 }
  }
  for (const group of groups) {
    const gone = new Set(group)
    const rest = left.filter((item) => !gone.has(item))
    const answer = await ask(rest)
    if (answer === undefined) return undefined
    if (answer) return { part: rest, parts: Math.max(parts - 1, 2) }
  }
  return { part: undefined, parts }
}

function split<T>(items: readonly T[], parts: number): T[][] {
  return Array.from({ length: parts }, (_, at) =>
    items.slice(Math.floor((at * items.length) / parts), Math.floor(((at + 1) * items.length) / parts)),
  )
}
