import type { RedisUnavailable } from "@halles/shared/clients/Redis"
import { Context, Effect, Exit } from "effect"
import type { Redis as Client } from "ioredis"
import { createHash } from "node:crypto"

/** Redis that takes longer is no help: the request goes on without it, and the entity knows a repeat. */
const redisMsMax = 250
/** Requests in one call; what comes in the same turn beyond that has the next one. */
const batchMax = 256

/** Each place is taken if it is free; the answer says what was there, for each place. */
const script = `
local found = {}
for i, key in ipairs(KEYS) do
  found[i] = redis.call('SET', key, ARGV[i * 2 - 1], 'PX', ARGV[i * 2], 'NX', 'GET')
end
return found
`
const sha = createHash("sha1").update(script).digest("hex")

interface Claim {
  readonly place: string
  readonly mine: string
  readonly forMs: number
  readonly resolve: (found: Found) => void
}

/** What was there; `null` when the place was free and is now one's own, `undefined` when Redis did not say. */
export type Found = string | null | undefined

const takeMany = (client: Client, batch: ReadonlyArray<Claim>): Promise<ReadonlyArray<string | null>> => {
  const all = [...batch.map(({ place }) => place), ...batch.flatMap(({ forMs, mine }) => [mine, forMs])]
  return client.evalsha(sha, batch.length, ...all).catch((error: unknown) => {
    // Redis was restarted, or is met for the first time.
    if (error instanceof Error && error.message.startsWith("NOSCRIPT")) return client.eval(script, batch.length, ...all)
    throw error
  }) as Promise<ReadonlyArray<string | null>>
}

/**
 * Takes places in Redis. All requests of one turn of the event loop share a call: a command, its timer and its promise for
 * each of them cost as much as reading and answering a request. No more wait than `RequestMiddleware` lets in.
 */
export const make = (options: {
  readonly use: <A>(command: (client: Client) => Promise<A>) => Effect.Effect<A, RedisUnavailable>
  readonly context: Context.Context<never>
}): ((place: string, mine: string, forMs: number) => Effect.Effect<Found>) => {
  let waiting: Array<Claim> = []
  const flush = () => {
    const all = waiting
    waiting = []
    for (let at = 0; at < all.length; at += batchMax) {
      const batch = all.slice(at, at + batchMax)
      Effect.runCallbackWith(options.context)(
        Effect.timeout(
          options.use((client) => takeMany(client, batch)),
          redisMsMax
        ),
        {
          onExit: (exit) => {
            for (const [index, { resolve }] of batch.entries())
              resolve(Exit.isSuccess(exit) ? exit.value[index] : undefined)
          }
        }
      )
    }
  }
  return (place, mine, forMs) =>
    Effect.callback<Found>((resume) => {
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({ place, mine, forMs, resolve: (found) => resume(Effect.succeed(found)) })
    })
}
