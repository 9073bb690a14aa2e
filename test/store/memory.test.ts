import { memoryStore } from '../../src/store/memory.ts'
import { describeStore } from '../conformance/store.ts'

describeStore('memory', () => {
  const store = memoryStore()
  return Promise.resolve({ open: () => store, close: () => Promise.resolve() })
})
