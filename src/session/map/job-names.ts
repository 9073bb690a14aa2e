import { createHash } from 'node:crypto'

/** A job in the store; nobody reads off it whose it is or what it is called. */
export function jobName(owner: string, job: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([owner, job]))
    .digest('base64url')
  return `${prefix}${digest.slice(0, 22)}`
}

/** True for the name of what a job has written in a store. */
export function isJobPage(name: string): boolean {
  return name.startsWith(prefix)
}

/** The job of a page, and which of its pages it is. */
export function jobOfPage(name: string): { readonly job: string; readonly number: number } {
  const end = name.lastIndexOf('/')
  return { job: name.slice(0, end), number: Number(name.slice(end + 1)) }
}

const prefix = '~map/'
