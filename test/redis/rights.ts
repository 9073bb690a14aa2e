/** The rights that docs/redis.md lists. */
export const rights = [
  ...['~sessionbridge:*', '&sessionbridge:*', '-@all'],
  ...['+evalsha', '+eval', '+time', '+scan', '+hget'],
  // In scripts:
  ...['+hset', '+hexists', '+hdel', '+get', '+set', '+del', '+persist', '+pexpire', '+pexpireat'],
  ...['+publish', '+subscribe', '+unsubscribe', '+client|setname'],
] as const
