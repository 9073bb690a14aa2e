import { fileStore } from '../../src/index.ts'
import { storeFolder, type CommonOptions } from './settings.ts'

/** Names of the stored sessions, sorted, without a key. What begins with `~` stands beside them and is none. */
export async function storedNames(options: CommonOptions): Promise<string[]> {
  const names = await fileStore(storeFolder(options)).list()
  return names.filter((name) => !name.startsWith('~')).sort()
}
