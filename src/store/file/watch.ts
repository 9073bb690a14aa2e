import type { FSWatcher } from 'node:fs'
import { lstatSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { newestNumber } from './generations.ts'

/** For what the system does not report: changes from other machines on a network disk, or no more watches to give. */
const POLL_MS = 2_000

/**
 * Calls the listener after a change of the newest generation. Watched is the session's folder, or the nearest folder
 * above that exists; a slow poll catches what is missed. Keeps no process alive.
 */
export function watchGenerations(folder: string, listener: () => void): () => void {
  let seen = sightOf(folder)
  let watcher: FSWatcher | undefined
  let watched: string | undefined
  let queued = false
  let stopped = false

  function look(): void {
    queued = false
    if (stopped) return
    let now: string
    try {
      arm()
      now = sightOf(folder)
    } catch {
      return // not readable at the moment; the next read of the session says why
    }
    if (now === seen) return
    seen = now
    listener()
  }

  function queue(): void {
    if (queued) return
    queued = true
    setImmediate(look)
  }

  function arm(): void {
    let target = folder
    while (incarnationOf(target) === undefined && target !== dirname(target)) target = dirname(target)
    const aim = `${target} ${incarnationOf(target) ?? ''}`
    if (aim === watched && watcher !== undefined) return
    watcher?.close()
    watched = aim
    try {
      watcher = watch(target, { persistent: false }, queue)
      watcher.on('error', () => {
        watcher?.close()
        watcher = undefined
      })
    } catch {
      watcher = undefined // not there yet, or the system has no more watches: the poll goes on
    }
  }

  arm()
  const timer = setInterval(look, POLL_MS)
  timer.unref()
  return () => {
    stopped = true
    clearInterval(timer)
    watcher?.close()
  }
}

/** Tells this folder from another that later stands in its place. */
function incarnationOf(folder: string): string | undefined {
  const facts = lstatSync(folder, { throwIfNoEntry: false })
  return facts === undefined ? undefined : `${String(facts.ino)} ${String(facts.birthtimeMs)}`
}

function sightOf(folder: string): string {
  const newest = newestNumber(folder)
  return newest === undefined ? '' : `${String(newest)} ${incarnationOf(folder) ?? ''}`
}
