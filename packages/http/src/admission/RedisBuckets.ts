import type { RedisUnavailable } from "@halles/shared/clients/Redis"
import type { Redis as Client } from "ioredis"
import { createHash } from "node:crypto"
import type { Effect } from "effect"
import { type Ask, microsPerToken, type Verdict } from "./TokenBucket.ts"

/**
 * `TokenBucket.take` for many requests in one call: every request's buckets are read together, and written once. Redis's
 * own clock counts, so that edges need not agree about the time. Per request: the number of its buckets, then for each
 * microseconds per token, capacity and cost in microseconds. The answer has three whole numbers a request: the tightest
 * bucket counted from 1, negative when refused; tokens left in it; microseconds to wait.
 */
const script = `
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local stored = redis.call('MGET', unpack(KEYS))
local full, changed = {}, {}
for i, key in ipairs(KEYS) do full[key] = tonumber(stored[i] or 0) end
local answer, arg, slot = {}, 2, 1
while arg <= #ARGV do
  local count = tonumber(ARGV[arg])
  local nexts, tightest, least, wait = {}, 1, nil, 0
  for i = 1, count do
    local at = arg + (i - 1) * 3
    local per, burst, cost = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local key = KEYS[slot + i - 1]
    local next = math.max(full[key], now) + cost
    local left = burst - (next - now)
    if left < 0 then
      tightest, least, wait = -i, math.floor((left + cost) / per), -left
      break
    end
    nexts[i] = next
    local tokens = math.floor(left / per)
    if least == nil or tokens < least then tightest, least, wait = i, tokens, next - now end
  end
  if tightest > 0 then
    for i = 1, count do
      local key = KEYS[slot + i - 1]
      full[key] = nexts[i]
      changed[key] = true
    end
  end
  answer[#answer + 1] = tightest
  answer[#answer + 1] = least
  answer[#answer + 1] = wait
  arg = arg + 1 + count * 3
  slot = slot + count
end
for key in pairs(changed) do
  redis.call('SET', key, string.format('%.0f', full[key]), 'PX', math.max(1, math.ceil((full[key] - now) / 1000)))
end
return answer
`
const sha = createHash("sha1").update(script).digest("hex")

export type Use = <A>(command: (client: Client) => Promise<A>) => Effect.Effect<A, RedisUnavailable>

/** One round trip for the buckets of all these requests; `nowMicros` only where a test has a clock of its own. */
export const takeMany = (
  client: Client,
  requests: ReadonlyArray<ReadonlyArray<Ask>>,
  nowMicros = 0
): Promise<ReadonlyArray<Verdict>> => {
  const keys: Array<string> = []
  const args: Array<string | number> = [nowMicros]
  for (const asks of requests) {
    args.push(asks.length)
    for (const { cost, key, quota } of asks) {
      const perToken = microsPerToken(quota)
      keys.push(key)
      args.push(perToken, quota.capacity * perToken, cost * perToken)
    }
  }
  const all = [...keys, ...args]
  return client
    .evalsha(sha, keys.length, ...all)
    .catch((error: unknown) => {
      // Redis was restarted, or is met for the first time.
      if (error instanceof Error && error.message.startsWith("NOSCRIPT"))
        return client.eval(script, keys.length, ...all)
      throw error
    })
    .then((answer) => verdicts(answer as ReadonlyArray<number>))
}

const verdicts = (answer: ReadonlyArray<number>): ReadonlyArray<Verdict> => {
  const all: Array<Verdict> = []
  for (let at = 0; at < answer.length; at += 3) {
    const tightest = answer[at] ?? 0
    all.push({
      allowed: tightest > 0,
      tightest: Math.abs(tightest) - 1,
      remaining: answer[at + 1] ?? 0,
      waitMicros: answer[at + 2] ?? 0
    })
  }
  return all
}
