import type { BrowserContext } from 'playwright'
import { captureState as capture, type CaptureOptions } from '../../../src/bridge/context/capture.ts'

/**
 * With more time than by default: what a test reads is there, and a browser that stands still for some seconds says nothing
 * about it. What hangs for good is out of time all the same.
 */
export function captureState(
  context: BrowserContext,
  options: CaptureOptions = {},
): ReturnType<typeof capture> {
  return capture(context, { timeout: 60_000, ...options })
}
