import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

/** What one process has done, in a file. */
export interface Checkpoint {
  has(url: string): boolean
  add(url: string): Promise<void>
  close(): Promise<void>
}

const digestLength = 22

/** One digest a line, appended when its work is done; a line that a crash cut short does not count. */
export async function openCheckpoint(session: string, path: string): Promise<Checkpoint> {
  const { O_CREAT, O_RDWR, O_APPEND, O_NOFOLLOW } = constants
  const file = await open(path, O_CREAT | O_RDWR | O_APPEND | O_NOFOLLOW, 0o600)
  try {
    const done = await readCheckpoint(file, `sessionbridge map ${session}`)
    return {
      has: (url) => done.has(digest(url)),
      add: (url) => file.appendFile(`${digest(url)}\n`),
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function readCheckpoint(file: FileHandle, title: string): Promise<ReadonlySet<string>> {
  const text = await file.readFile('utf8')
  if (text === '') await file.appendFile(`${title}\n`)
  else if (!text.startsWith(`${title}\n`))
    throw new TypeError('session.map: the checkpoint is not one of this session. Name another file.')
  else if (!text.endsWith('\n')) await file.appendFile('\n')
  return new Set(text.split('\n').filter((line) => line.length === digestLength))
}

function digest(url: string): string {
  return createHash('sha256').update(url).digest('base64url').slice(0, digestLength)
}
