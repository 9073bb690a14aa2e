import type { SeenAnswer } from './dead-signs.ts'
import { headerValue } from '../wire/wire.ts'
import type { Blocker } from './traffic-errors.ts'

/**
 * Who keeps a client out, when it is not the site's login: a firewall, a challenge, a captcha, a rate limit. Pure.
 * Pages that carry a captcha for their own forms, or a vendor's watching script, are not blocks: only answers that say no
 * are read for such marks, and answers that say yes only for what stands on nothing but a block.
 */
export function blockOf(seen: SeenAnswer): Blocker | undefined {
  const { status, headers, text } = seen
  const said = (name: string): string => headerValue(headers, name)?.toLowerCase() ?? ''
  if (said('cf-mitigated') !== '') return 'cloudflare'
  if (said('x-amzn-waf-action') !== '') return 'aws-waf'
  if (text.includes('captcha-delivery.com/')) return isShort(text) || saysNo(status) ? 'datadome' : undefined
  if (/["']px-captcha["']/.test(text)) return isShort(text) || saysNo(status) ? 'perimeterx' : undefined
  if (/Incapsula incident ID/i.test(text)) return 'imperva'
  if (!saysNo(status)) return undefined
  return vendorOf(seen, said) ?? captchaIn(text) ?? (status === 429 ? 'rate limit' : undefined)
}

/** Statuses that firewalls say no with. */
export function saysNo(status: number): boolean {
  return status === 403 || status === 405 || status === 429 || status === 503
}

function vendorOf({ status, text }: SeenAnswer, said: (name: string) => string): Blocker | undefined {
  if (/\bcf-chl|\/cdn-cgi\/challenge-platform\/|Attention Required! \| Cloudflare|_cf_chl_opt/.test(text))
    return 'cloudflare'
  if (said('x-dd-b') !== '' || (status === 403 && said('x-datadome') !== '')) return 'datadome'
  if (/_pxCaptcha|window\._pxAppId|perimeterx/i.test(text)) return 'perimeterx'
  if (text.includes('_Incapsula_Resource')) return 'imperva'
  const byAkamai = said('server') === 'akamaighost' || text.includes('errors.edgesuite.net')
  return status === 403 && byAkamai ? 'akamai' : undefined
}

function captchaIn(text: string): Blocker | undefined {
  if (/hcaptcha\.com\/|class=["'][^"']*h-captcha/.test(text)) return 'hcaptcha'
  if (text.includes('challenges.cloudflare.com/turnstile')) return 'turnstile'
  return /(?:google\.com|recaptcha\.net)\/recaptcha\/|class=["'][^"']*g-recaptcha/.test(text)
    ? 'recaptcha'
    : undefined
}

/** Such pages hold little besides; what is longer is content. */
function isShort(text: string): boolean {
  return text.length < 16_384
}
