import { type ChildProcess, fork } from 'node:child_process'
import { on, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { News, Task } from './messages.ts'

export interface Worker {
  /** Ends with the worker, whatever it dies of. Throws what the worker reports as its failure. */
  readonly news: AsyncIterable<News>
  /** SIGKILL: no handler runs, nothing is flushed. Resolves when the process is gone. */
  kill(): Promise<void>
}

export function startWorker(task: Task): Worker {
  // Beside this file, as TypeScript in the sources and as JavaScript in dist.
  const child = fork(fileURLToPath(import.meta.url).replace(/worker-process(\.\w+)$/, 'worker$1'))
  child.send(task)
  return {
    news: newsOf(child),
    async kill() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function* newsOf(child: ChildProcess): AsyncGenerator<News> {
  // The channel closes with the process, after its last message.
  const messages = on(child, 'message', { close: ['disconnect'] }) as AsyncIterable<[News, unknown]>
  for await (const [news] of messages) {
    if (news.kind === 'failed') throw new Error(news.message)
    yield news
  }
}
