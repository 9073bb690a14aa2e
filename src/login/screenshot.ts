import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright'

/**
 * A picture of the page for people, with everything that was typed masked. Mode 0600 in `folder` (made with 0700 when
 * it is not there; default: a new private folder in the system's temporary folder). `undefined` when the page cannot
 * be pictured: a failed login is reported with or without it.
 */
export async function takeScreenshot(
  page: Page,
  name: string,
  folder: string | undefined,
): Promise<string | undefined> {
  if (page.isClosed()) return undefined
  try {
    const typed = page.locator(
      'input:not([type=submit], [type=button], [type=checkbox], [type=radio]), textarea',
    )
    const image = await page.screenshot({ mask: [typed], timeout: 3_000, animations: 'disabled' })
    const place = await privateFolder(folder)
    const path = join(place, `${fileName(name)}-${randomBytes(4).toString('hex')}.png`)
    await writeFile(path, image, { flag: 'wx', mode: 0o600 })
    return path
  } catch {
    return undefined
  }
}

async function privateFolder(folder: string | undefined): Promise<string> {
  if (folder === undefined) return mkdtemp(join(tmpdir(), 'sessionbridge-'))
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (made !== undefined) await chmod(folder, 0o700)
  return folder
}

function fileName(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 80)
}
