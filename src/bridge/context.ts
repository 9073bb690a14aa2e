import type { BrowserContext } from 'playwright'
import type { Report } from '../state/report.ts'
import type { SessionState } from '../state/state.ts'
import type { ApplyOptions } from './context/apply.ts'
import type { CaptureOptions } from './context/capture.ts'

/*
 * Capture and apply for callers of the library, loaded at the first call: they are a seventh of all that we are, and
 * a process that resumes a session over HTTP has no browser (docs/decisions/0004-bundle.md).
 */

/**
 * Reads the state of a context: cookies, and localStorage, sessionStorage and IndexedDB of every visited origin. Open
 * pages and frames are read where they stand; an origin without one is stood on for a moment by a page of ours, which
 * its site does not hear of. sessionStorage ends with its tab: of an origin without an open tab it is what `previous`
 * (or what `applyState` put on) says. After `applyState` only origins visited since are read.
 *
 * What cannot be read is in the report and costs the rest nothing. Rejects only when the signal is aborted (with its
 * reason), the context is closed, or its cookies cannot be read.
 */
export async function captureState(
  context: BrowserContext,
  options?: CaptureOptions,
): Promise<{ state: SessionState; report: Report }> {
  const capture = await import('./context/capture.ts')
  return capture.captureState(context, options)
}

/**
 * Makes a context wear a state, in place of whatever it held: cookies at once, the storage of an origin when it is
 * first visited, before the page's own scripts run, or at once where that cannot be (origins with IndexedDB or much
 * localStorage, and those that the context has visited before). Each new tab gets the origin's sessionStorage once.
 *
 * Item by item: what cannot be put on is in the report and costs the rest nothing. Rejects only when the signal is
 * aborted (with its reason; the context then wears a part of the state) or the context is closed.
 */
export async function applyState(
  context: BrowserContext,
  state: SessionState,
  options?: ApplyOptions,
): Promise<Report> {
  const apply = await import('./context/apply.ts')
  return apply.applyState(context, state, options)
}
