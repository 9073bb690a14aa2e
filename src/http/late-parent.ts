/**
 * Gives a prototype a parent that is loaded when somebody first looks past the prototype itself: by `instanceof` or
 * `isPrototypeOf`, by a name that it has not, by listing. From then on the parent is linked for good and nothing of
 * this is left. Only `then` is answered without a look: every `await` asks every object for it.
 */
export function linkLate(prototype: object, parent: () => object): void {
  let linked: object | undefined
  const link = (): object => {
    if (linked === undefined) {
      linked = parent()
      Object.setPrototypeOf(prototype, linked)
    }
    return linked
  }
  const stand: ProxyHandler<object> = {
    getPrototypeOf: () => link(),
    get: (_target, key, receiver) =>
      key === 'then' ? undefined : (Reflect.get(link(), key, receiver) as unknown),
    set: (_target, key, value, receiver) => Reflect.set(link(), key, value, receiver),
    has: (_target, key) => Reflect.has(link(), key),
    ownKeys: () => Reflect.ownKeys(link()),
    getOwnPropertyDescriptor: (_target, key) => Reflect.getOwnPropertyDescriptor(link(), key),
  }
  Object.setPrototypeOf(prototype, new Proxy({}, stand))
}
