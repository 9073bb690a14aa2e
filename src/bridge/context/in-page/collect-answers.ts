/**
 * Makes a page of ours collect answers, its own and those of the iframes that it opens, one for each origin. Runs in
 * a page; leaves two functions there, called by `takeAnswer` and by the documents themselves.
 */
export async function collectAnswers(origins: readonly string[], longest: number): Promise<string> {
  const arrived = new Map<string, (answer: string) => void>()
  const answers = new Map<string, Promise<string>>()
  for (const origin of [self.origin, ...origins])
    answers.set(origin, new Promise((resolve) => arrived.set(origin, resolve)))
  onmessage = ({ origin, data }: MessageEvent<unknown>) => {
    if (typeof data === 'string') arrived.get(origin)?.(data)
  }
  const take = async (origin: string, whole: boolean): Promise<string> => {
    const answer = (await answers.get(origin)) ?? ''
    return whole || answer.length <= longest ? answer : `#${String(answer.length)}`
  }
  Object.assign(self, { take })
  // The document may be committed and not parsed.
  if (document.readyState === 'loading')
    await new Promise((resolve) => {
      document.addEventListener('DOMContentLoaded', resolve)
    })
  for (const origin of origins) {
    const frame = document.createElement('iframe')
    frame.src = `${origin}/`
    document.documentElement.append(frame)
  }
  return ''
}

/**
 * The answer of an origin; `#` and its length instead when it is long and not asked for as a whole. Runs in a page.
 */
export function takeAnswer(origin: string, whole: boolean): Promise<string> {
  return (self as unknown as { take: (origin: string, whole: boolean) => Promise<string> }).take(
    origin,
    whole,
  )
}
