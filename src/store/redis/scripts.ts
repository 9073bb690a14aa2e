import { createHash } from 'node:crypto'

/** Every change is one script, so it happens whole, in one order, and knows by itself whether it was done before. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** Milestones that are kept, as the contract says. */
const MILESTONES = 10
/** The clocks of those who say when a session ends may be off; forgetting late costs memory only. */
const GRACE_MS = 3_600_000
/** How long a removed session says when that was, to those who were not yet subscribed. */
const TRACE_MS = 60_000
/** How far the clock of a server may go back, or that of its replica be behind, without fences going back. */
const FENCE_MS = 86_400_000

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/** KEYS session; ARGV the version unless it is the newest. */
export const READ = script(`
local version = ARGV[1] or redis.call('HGET', KEYS[1], 'newest')
if not version then return false end
local bytes = redis.call('HGET', KEYS[1], 'g:' .. version)
if not bytes then return false end
return { version, bytes }`)

/** KEYS session. */
export const HISTORY = script(`return redis.call('HGET', KEYS[1], 'index')`)

/**
 * KEYS session; ARGV '-' or '=' and the expected version, new version, bytes, Unix ms of the end or '', milestone '1' or
 * '0', sealed name, channel. The new version is random: a command that is sent again because its answer was lost finds
 * its own generation and says so.
 */
export const WRITE = script(`${NOW}
local key, version, bytes = KEYS[1], ARGV[2], ARGV[3]
if redis.call('HEXISTS', key, 'g:' .. version) == 1 then return { 'written' } end
local newest = redis.call('HGET', key, 'newest')
if (newest and '=' .. newest or '-') ~= ARGV[1] then return { 'conflict', newest } end

local milestones = ARGV[5] == '1' and 1 or 0
local kept = { string.format('%s %.0f %.0f %s', version, #bytes, now, ARGV[5]) }
local dropped = {}
for line in string.gmatch(redis.call('HGET', key, 'index') or '', '[^\\n]+') do
  local old, milestone = string.match(line, '^(%S+) %d+ %d+ (%d)$')
  if milestone == '1' then milestones = milestones + 1 end
  local isPrevious = old == newest
  if isPrevious or (milestone == '1' and milestones <= ${String(MILESTONES)}) then kept[#kept + 1] = line
  else dropped[#dropped + 1] = 'g:' .. old end
end

redis.call('HSET', key, 'g:' .. version, bytes, 'newest', version, 'index', table.concat(kept, '\\n'),
  'name', ARGV[6], 'at', string.format('%.0f', now))
if #dropped > 0 then redis.call('HDEL', key, unpack(dropped)) end
if ARGV[4] == '' then redis.call('PERSIST', key)
else redis.call('PEXPIREAT', key, string.format('%.0f', math.max(tonumber(ARGV[4]), now) + ${String(GRACE_MS)})) end
redis.call('PUBLISH', ARGV[7], '')
return { 'written' }`)

/** KEYS session; ARGV versions. */
export const FORGET = script(`
local newest = redis.call('HGET', KEYS[1], 'newest')
if not newest then return 0 end
local unwanted = {}
for _, version in ipairs(ARGV) do unwanted[version] = version ~= newest end
local kept = {}
local dropped = {}
for line in string.gmatch(redis.call('HGET', KEYS[1], 'index') or '', '[^\\n]+') do
  local version = string.match(line, '^%S+')
  if unwanted[version] then dropped[#dropped + 1] = 'g:' .. version else kept[#kept + 1] = line end
end
if #dropped == 0 then return 0 end
redis.call('HDEL', KEYS[1], unpack(dropped))
redis.call('HSET', KEYS[1], 'index', table.concat(kept, '\\n'))
return #dropped`)

/**
 * KEYS session; ARGV the version that may go, channel. Says which is there when it is another: a removal that a client
 * sends late takes nothing with it that came after it was asked for.
 */
export const REMOVE = script(`${NOW}
local newest = redis.call('HGET', KEYS[1], 'newest')
if newest ~= ARGV[1] then return newest end
redis.call('DEL', KEYS[1])
redis.pcall('HSET', KEYS[1], 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ${String(TRACE_MS)})
redis.call('PUBLISH', ARGV[2], '')
return false`)

/** KEYS session. When it was changed last (0: long ago or never), and the time now, both Unix ms of the server. */
export const CHANGED = script(`${NOW}
return { redis.call('HGET', KEYS[1], 'at') or '0', string.format('%.0f', now) }`)

/**
 * KEYS lease, fence; ARGV token, ttl. A fence is above the last one and not below the server's time in microseconds
 * (safe integers until 2255). So it also grows when a failover or a restart has lost the last one, and need not be kept
 * for ever.
 */
export const ACQUIRE = script(`
local time = redis.call('TIME')
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('GET', KEYS[2]) end
if holder then return false end
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local fence = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], fence, 'PX', string.format('%.0f', ARGV[2] + ${String(FENCE_MS)}))
return fence`)

/** KEYS lease; ARGV token, ttl. */
export const RENEW = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

/** KEYS lease; ARGV token. */
export const RELEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** Texts and numbers in answers come as bytes. */
export function textOf(answer: unknown): string | undefined {
  if (typeof answer === 'string') return answer
  return Buffer.isBuffer(answer) ? answer.toString() : undefined
}
