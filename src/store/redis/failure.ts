import { StoreFailedError } from '../../errors.ts'
import { SilenceError } from './deadline.ts'

/** What is wrong and what to do, by the word that Redis, Node or we know the failure by. */
const advice: Readonly<Record<string, string>> = {
  silent:
    'there was no answer in time, so it may have been done or not. Look at the network and at what blocks Redis',
  cut: 'the connection was cut before the answer came, so it may have been done or not. Try again',
  'not-connected':
    'the Redis client has no connection. Look at the "error" events of the client that was passed in',
  ended: 'the Redis client that was passed in has been ended. Pass one that stays connected',
  ECONNREFUSED: 'nothing listens there. Start Redis, or correct host and port',
  ENOTFOUND: 'the host name is not known. Correct it, or look at the DNS',
  EAI_AGAIN: 'the host name could not be looked up. Look at the DNS',
  ETIMEDOUT: 'the host does not answer. Look at address, firewall and network',
  NOAUTH: 'it wants a password. Put it into the URL or the client',
  WRONGPASS: 'it does not take this user and password. Correct them',
  NOPERM: 'this user may not do that. docs/redis.md lists the commands, keys and channels that are needed',
  READONLY:
    'this Redis is a replica, or has just become one. Connect to the master; after a failover try again',
  OOM: 'it has no memory left. Raise maxmemory, or remove sessions',
  LOADING: 'it is still reading its data from disk. Try again in a moment',
  BUSY: "somebody else's script blocks it. Try again, or end that script",
  MISCONF: 'it cannot save to its disk and so takes no writes. Look at its disk and log',
  NOREPLICAS: 'fewer replicas are connected than min-replicas-to-write asks for. Look at the replicas',
  MASTERDOWN: 'its master is gone. Wait for the failover',
  CLUSTERDOWN: 'the Cluster has no owner for the slot. Wait for the failover, or look at "cluster info"',
  MOVED:
    'a node of a Cluster sends us elsewhere. Pass the URLs of its nodes as an array; after a failover try again',
  ASK: 'the slot is just moving to another node. Try again',
  TRYAGAIN: 'the slot is just moving to another node. Try again',
  CROSSSLOT: 'keys of one session lie in several slots. Look at the keyPrefix of the client',
  WRONGTYPE: 'a key of ours holds something else. Choose another prefix',
  NOSCRIPT: 'it forgets scripts at once. Look at who flushes them',
}

/** Node's words for certificates: `CERT_HAS_EXPIRED`, `UNABLE_TO_VERIFY_LEAF_SIGNATURE`, … */
const certificate = /CERT|VERIFY/
const distrust =
  'its certificate is not trusted. Name its authority in NODE_EXTRA_CA_CERTS, or pass a client with tls.ca'

const redisWords = Object.keys(advice).filter((word) => /^[A-Z]+$/.test(word))
const words = new RegExp(`\\b(${redisWords.join('|')})\\b`)

/** A failure of which the word is known already. */
export class TroubleError extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/**
 * The one word by which a failure is known. Nothing else of an error goes further: its message may quote arguments
 * ("unknown command, with args beginning with"), its `command` holds all of them, payload and password included.
 */
export function wordOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if (error instanceof SilenceError) return error.code
  if ('lastNodeError' in error && error.lastNodeError instanceof Error) return wordOf(error.lastNodeError)
  if ('code' in error && typeof error.code === 'string' && /^[\w-]{1,60}$/.test(error.code)) return error.code
  // Before version 7 what a script met stands behind "ERR Error running script"; redirections end with the last error.
  const known = words.exec(error.message)?.[1]
  if (known !== undefined) return known
  if (error.name === 'ReplyError') return /^[A-Z]{2,20}\b/.exec(error.message)?.[0] ?? 'ERR'
  if (/timed? ?out/i.test(error.message)) return 'silent'
  if (/closed|ended|aborted|disconnect/i.test(error.message) || error.name === 'MaxRetriesPerRequestError')
    return 'cut'
  return 'unknown'
}

/** What another attempt within the same call would not change. */
export function isFinal(word: string): boolean {
  return ['NOAUTH', 'WRONGPASS', 'NOPERM', 'ENOTFOUND'].includes(word) || certificate.test(word)
}

export function storeFailed(operation: string, error: unknown): StoreFailedError {
  const word = wordOf(error)
  const why = advice[word] ?? (certificate.test(word) ? distrust : undefined)
  return new StoreFailedError(
    operation,
    why === undefined ? `Redis or the connection to it failed (${word})` : `Redis (${word}): ${why}`,
    { cause: new TroubleError(word) },
  )
}
