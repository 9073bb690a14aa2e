import { lstatSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { StoreFailedError } from '../../errors.ts'
import { syncFolder } from './disk.ts'

/**
 * The directory that a file store was given. Created with mode 0700. One that exists is used as it is when nobody
 * else can write to it; that others may list it gives away names only, since what lies inside is 0700 and 0600.
 */
export class Root {
  readonly path: string

  constructor(directory: string) {
    this.path = resolve(directory)
  }

  /** False when the directory does not exist yet. Throws `StoreFailedError` when it is not safe to use. */
  isThere(): boolean {
    const facts = lstatSync(this.path, { throwIfNoEntry: false })
    if (facts === undefined) return false
    if (facts.isSymbolicLink())
      throw this.#refused('it is a symbolic link. Pass the directory that it points to.')
    if (!facts.isDirectory()) throw this.#refused('it is not a directory. Pass another path.')
    const me = process.geteuid?.()
    // root may use a mounted volume of anybody; for others a foreign owner can swap what we wrote
    if (me !== undefined && me !== 0 && facts.uid !== me)
      throw this.#refused(`it belongs to user ${String(facts.uid)}. Use a directory of your own.`)
    if (me !== undefined && (facts.mode & 0o022) !== 0) {
      const mode = (facts.mode & 0o777).toString(8).padStart(4, '0')
      throw this.#refused(`others may write to it (mode ${mode}). Run: chmod 700 ${this.path}`)
    }
    return true
  }

  async ensure(): Promise<void> {
    if (this.isThere()) return
    const first = mkdirSync(this.path, { recursive: true, mode: 0o700 })
    for (let made = this.path; first !== undefined && made.length >= first.length; made = dirname(made))
      await syncFolder(dirname(made))
    this.isThere()
  }

  #refused(why: string): StoreFailedError {
    return new StoreFailedError('use its directory', `${this.path} is refused: ${why}`)
  }
}
