import type { Locator, Page } from 'playwright'
import type { LoginTools } from '../../src/index.ts'
import type { Step, Target } from './yaml.ts'

// A login page may render late; a wrong label should not use up the whole login's time.
const patience = 10_000

type Where = { readonly [Name in keyof Target]?: Target[Name] }

/** Does the steps of a YAML recipe one after the other. A failure names the step, never what was to be typed. */
export async function runSteps(steps: readonly Step[], page: Page, tools: LoginTools): Promise<void> {
  for (const [index, step] of steps.entries()) {
    tools.signal.throwIfAborted()
    try {
      await runStep(step, page, tools)
    } catch (error) {
      // Our own typed errors (a missing secret, a foreign origin) say it better.
      if (error instanceof Error && 'code' in error) throw error
      throw new Error(`step ${String(index + 1)}, ${inWords(step)}: ${whatHappened(error)}`)
    }
  }
}

/** True when the page shows the target now. */
export function isShown(page: Page, target: Where): Promise<boolean> {
  return locate(page, target).first().isVisible()
}

async function runStep(step: Step, page: Page, tools: LoginTools): Promise<void> {
  if (step.goto !== undefined) await page.goto(step.goto)
  if (step.click !== undefined) await locate(page, step.click).click({ timeout: patience })
  if (step.fill !== undefined) await fill(step.fill, page, tools)
  if (typeof step.press === 'string') await page.keyboard.press(step.press)
  else if (step.press !== undefined)
    await locate(page, step.press).press(step.press.key, { timeout: patience })
}

async function fill(step: NonNullable<Step['fill']>, page: Page, tools: LoginTools): Promise<void> {
  const field = locate(page, step)
  // First the field, then the secret: it is asked for when the page stands where it will be typed.
  await field.waitFor({ timeout: patience })
  if (step.secret !== undefined) {
    await field.fill(await tools.secret(step.secret), { timeout: patience })
    return
  }
  if ((await field.getAttribute('type')) === 'password')
    throw new StepError(
      'a password does not belong into the file: use "secret" with a name instead of "value"',
    )
  await field.fill(step.value ?? '', { timeout: patience })
}

function locate(page: Page, where: Where): Locator {
  if (where.label !== undefined) return page.getByLabel(where.label)
  if (where.placeholder !== undefined) return page.getByPlaceholder(where.placeholder)
  if (where.button !== undefined) return page.getByRole('button', { name: where.button })
  if (where.link !== undefined) return page.getByRole('link', { name: where.link })
  if (where.text !== undefined) return page.getByText(where.text)
  if (where.testid !== undefined) return page.getByTestId(where.testid)
  return page.locator(where.css ?? ':focus')
}

class StepError extends Error {}

function inWords(step: Step): string {
  const where = (target: Where): string => {
    const [name, value] =
      Object.entries(target).find(([field]) => !['secret', 'value', 'key'].includes(field)) ?? []
    return name === undefined ? '' : ` ${name} "${String(value)}"`
  }
  if (step.fill !== undefined) return `fill${where(step.fill)}`
  if (step.click !== undefined) return `click${where(step.click)}`
  if (typeof step.press === 'object') return `press ${step.press.key}${where(step.press)}`
  return step.press === undefined ? 'goto' : `press ${step.press}`
}

/** Playwright's messages quote the page and what was typed: only their kind is passed on. */
function whatHappened(error: unknown): string {
  if (error instanceof StepError) return error.message
  if (!(error instanceof Error)) return 'failed'
  if (error.name === 'TimeoutError') return `not found or not usable within ${String(patience / 1_000)} s`
  if (error.message.includes('strict mode violation')) return 'more than one such element is on the page'
  if (error.message.includes('closed')) return 'the page was closed'
  return /net::ERR_[A-Z_]+/.exec(error.message)?.[0] ?? 'the page did not take it'
}
