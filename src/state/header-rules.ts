import { deepEqual } from './diff.ts'
import type { HeaderRule } from './header-rule.ts'

/**
 * Adds rules to known ones. The same header made in the same way for the same paths goes to the origins of both; the same
 * header for the same origin made in another way is replaced by the newer observation. Gives `known` itself when nothing
 * is new.
 */
export function addHeaderRules(
  known: readonly HeaderRule[],
  seen: readonly HeaderRule[],
): readonly HeaderRule[] {
  let rules = known
  for (const rule of seen) {
    const twin = rules.find((candidate) => isSameMaking(candidate, rule))
    const origins = new Set([...(twin?.origins ?? []), ...rule.origins])
    if (twin !== undefined && origins.size === twin.origins.length) continue
    const others = rules
      .filter((candidate) => candidate !== twin)
      .map((candidate) => withoutOrigins(candidate, rule))
    rules = [
      ...others.filter((candidate) => candidate.origins.length > 0),
      { ...rule, origins: [...origins] },
    ]
  }
  return rules
}

function isSameMaking(a: HeaderRule, b: HeaderRule): boolean {
  const { origins: _a, ...making } = a
  const { origins: _b, ...other } = b
  return deepEqual(making, other)
}

function withoutOrigins(rule: HeaderRule, newer: HeaderRule): HeaderRule {
  if (rule.in !== newer.in || rule.header.toLowerCase() !== newer.header.toLowerCase()) return rule
  const origins = rule.origins.filter((origin) => !newer.origins.includes(origin))
  return origins.length === rule.origins.length ? rule : { ...rule, origins }
}
