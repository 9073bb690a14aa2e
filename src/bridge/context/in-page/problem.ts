import type { Reason, ReportKind } from '../../../state/report.ts'

/** What a script in a page could not read or write. The place is added outside. */
export interface Problem {
  readonly kind: ReportKind
  readonly name: string
  readonly reason: Reason
  readonly rule?: string
}
