import type { Page } from 'playwright'
import type { Recorded, Recorder } from './recorder.ts'
import type { WireCase } from './wire-cases.ts'

/** Lets a real page make the request; gives what the server saw of it, and how many preflights came before. */
export async function askByPage(
  page: Page,
  recorder: Recorder,
  one: WireCase,
): Promise<{ readonly requests: readonly Recorded[]; readonly preflights: number }> {
  if (one.from !== undefined && (one.by === 'link' || one.by === 'form' || page.url() !== one.from))
    await page.goto(one.from)
  recorder.take()
  await ask(page, one)
  return recorder.take()
}

async function ask(page: Page, one: WireCase): Promise<void> {
  switch (one.by) {
    case 'address':
      await page.goto(one.to)
      return
    case 'link':
      await Promise.all([page.waitForEvent('load'), page.evaluate(followLink, one.to)])
      return
    case 'form':
      await Promise.all([page.waitForEvent('load'), page.evaluate(submitForm, one)])
      return
    case 'fetch':
      await page.evaluate(askByFetch, one)
      return
    case 'xhr':
      await page.evaluate(askByXhr, one)
  }
}

function followLink(to: string): void {
  const link = document.createElement('a')
  link.href = to
  document.body.append(link)
  link.click()
}

function submitForm({ to, method, body = '', encoding }: WireCase): void {
  const form = document.createElement('form')
  form.action = to
  form.method = method
  if (encoding !== undefined) form.enctype = encoding
  for (const [name, value] of new URLSearchParams(body)) {
    const input = document.createElement('input')
    input.name = name
    input.value = value
    form.append(input)
  }
  document.body.append(form)
  form.submit()
}

async function askByFetch({ to, method, headers, body, credentials }: WireCase): Promise<void> {
  const init = { method, headers, credentials, ...(body !== undefined && { body }) }
  await fetch(to, init).then((response) => response.text())
}

function askByXhr({ to, method, headers, body }: WireCase): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(method, to)
    request.withCredentials = true
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.onload = () => {
      resolve()
    }
    request.onerror = () => {
      reject(new Error('XMLHttpRequest failed'))
    }
    request.send(body ?? null)
  })
}
