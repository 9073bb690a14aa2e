import { explainKept, type KeptItem, type Report, type Snapshot } from '../../src/index.ts'
import { printable } from '../terminal/screen.ts'
import { table } from '../terminal/table.ts'

/** What `--explain` says: why each thing was cut, and why each other was kept. The shape of `--json`'s `explain`. */
export interface Explanation {
  readonly kept: readonly KeptItem[]
  readonly cut: Report
}

export function explanationOf(
  { state, headerRules, dropped = [] }: Pick<Snapshot, 'state' | 'headerRules' | 'dropped'>,
  protect: readonly string[] = [],
): Explanation {
  return {
    kept: explainKept(state, { headerRules, protect, dropped }),
    cut: dropped.filter(({ reason }) => reason !== 'put-back'),
  }
}

export function explainInWords({ kept, cut }: Explanation): string[] {
  return [
    ...table(
      'kept',
      kept.map((item) => [...place(item), `${item.why.replaceAll('-', ' ')}: ${item.rule}`]),
    ),
    ...table(
      'cut',
      cut.map((item) => [...place(item), item.reason.replaceAll('-', ' ') + colon(item.rule)]),
    ),
  ].map((line) => printable(line, 400))
}

function place({ kind, name, where }: { kind: string; name: string; where: string }): string[] {
  return [printable(name === '' ? '(no name)' : name, 60), printable(where, 60), printable(kind)]
}

function colon(rule: string | undefined): string {
  return rule === undefined ? '' : `: ${rule}`
}
