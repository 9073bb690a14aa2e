import { setTimeout as pause } from 'node:timers/promises'
import { SessionbridgeError } from '../../errors.ts'
import { LoginEnded } from '../explain.ts'
import type { SignInTools } from '../recipe.ts'
import type { DeviceCodeOptions } from './oauth2-recipes.ts'
import { askForTokens, fieldsOf, postForm, type Refusal, refused, type Tokens } from './token-endpoint.ts'

/** What a person has to be told. */
export interface DevicePrompt {
  readonly userCode: string
  readonly verificationUri: string
  /** The same with the code in it, where the issuer gives one. */
  readonly verificationUriComplete?: string
  /** Unix ms. */
  readonly expiresAt: number
  readonly account: string
}

interface Device {
  readonly code: string
  /** ms */
  readonly interval: number
  readonly prompt: DevicePrompt
}

/** RFC 8628, 3.5: with `slow_down` the pause grows by so much, ms. */
const slower = 5_000
/** Longer pauses are nonsense, or more than a timer can hold, which would then not wait at all; ms. */
const longestPause = 60_000

/** Gets a code, shows it, and asks until somebody has said yes or no. */
export async function awaitDevice(tools: SignInTools, options: DeviceCodeOptions): Promise<Tokens> {
  const { code, interval, prompt } = await askForCode(tools, options)
  await options.prompt(prompt)
  const form = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: code }
  for (let wait = interval; ;) {
    await pause(Math.min(wait, longestPause), undefined, { signal: tools.signal })
    const answer = await askForTokens(tools, options, form).catch(passing)
    if (answer === undefined) wait *= 2
    else if (!('error' in answer)) return answer
    else if (answer.error === 'slow_down') wait += slower
    else if (isTrouble(answer)) wait *= 2
    // Nobody came in time. No password was wrong, and the next code is another one.
    else if (answer.error === 'expired_token')
      throw new LoginEnded('timed-out', 'the code has ended before anybody has said yes')
    else if (answer.error !== 'authorization_pending') throw refused(answer)
  }
}

/** A lost connection is no no: somebody is typing the code meanwhile. Rarer from then on (RFC 8628, 3.5). */
function passing(error: unknown): undefined {
  if (!(error instanceof SessionbridgeError) || error.tier !== 'recoverable') throw error
}

function isTrouble({ error, status }: Refusal): boolean {
  return status >= 500 || status === 429 || error === 'temporarily_unavailable' || error === 'server_error'
}

async function askForCode(tools: SignInTools, options: DeviceCodeOptions): Promise<Device> {
  const { scope, deviceUrl } = options
  const asked = Date.now()
  const response = await postForm(tools, options, deviceUrl, { ...(scope !== undefined && { scope }) })
  const fields = fieldsOf(response)
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '')
  const number = (name: string, otherwise: number): number =>
    typeof fields[name] === 'number' && fields[name] >= 0 ? fields[name] : otherwise
  const code = text('device_code')
  const complete = text('verification_uri_complete')
  if (!response.ok || code === '')
    throw new LoginEnded(
      response.statusCode === 401 ? 'rejected' : 'not-completed',
      `the device endpoint has answered ${String(response.statusCode)}`,
    )
  return {
    code,
    interval: number('interval', 5) * 1_000,
    prompt: {
      userCode: text('user_code'),
      verificationUri: text('verification_uri'),
      ...(complete !== '' && { verificationUriComplete: complete }),
      expiresAt: asked + number('expires_in', 600) * 1_000,
      account: tools.account,
    },
  }
}
