import type { Recipe } from '../../login/recipe.ts'
import type { GatePolicy } from '../../policy/gate.ts'
import type { Snapshot } from '../../snapshot/envelope.ts'
import { sourceName } from '../../state/header-rule.ts'
import type { VaultPolicy } from '../options.ts'

/**
 * What the gate is told about what a visit brings home: trackers go as at the login, except what the session is known to
 * live by, which is what header rules are made from and what the login had to put back after cutting it.
 */
export function visitPolicy(
  policy: VaultPolicy | undefined,
  recipe: Recipe,
  { headerRules, dropped = [] }: Pick<Snapshot, 'headerRules' | 'dropped'>,
): GatePolicy & { readonly protect: readonly string[] } {
  const carried = headerRules.map(({ source }) => sourceName(source))
  const putBack = dropped.filter(({ reason }) => reason === 'put-back').map(({ name }) => name)
  return {
    ...(policy?.trackers !== undefined && { trackers: policy.trackers }),
    protect: [...protectedNames(policy, recipe), ...carried, ...putBack],
  }
}

/** What the people who configured it want to keep. */
export function protectedNames(policy: VaultPolicy | undefined, recipe: Recipe): string[] {
  return [...(policy?.protect ?? []), ...(recipe.protect ?? [])]
}
