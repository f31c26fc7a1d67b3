import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { Redis as Client } from "ioredis"
import * as Breaker from "./Breaker.ts"

/** Redis did not answer, or has no room: callers go on without it. */
export class RedisUnavailable extends Schema.TaggedError<RedisUnavailable>()("RedisUnavailable", {
  cause: Schema.Defect()
}) {}

/** A command that Redis has not answered after this fails, in milliseconds. */
const commandTimeoutMs = 1_000

/**
 * One connection to a Redis. There are two of them: what may be forgotten is in one, how often somebody has tried in the other.
 *
 * **Details**
 *
 * It connects in the background and for ever, so a process starts without Redis. While there is no connection a command
 * fails at once: nothing is queued. While half of the commands fail, none is sent for a moment.
 */
export class Redis extends Context.Service<
  Redis,
  { readonly use: <A>(command: (client: Client) => Promise<A>) => Effect.Effect<A, RedisUnavailable> }
>()("@halles/shared/Redis") {
  static readonly layer = (options: {
    readonly url: Redacted.Redacted
    readonly name: string
    /** What its breaker is called; one process may have two. */
    readonly dependency?: string
    /** Whoever has something better to do than to wait, in milliseconds. */
    readonly answerMsMax?: number
  }): Layer.Layer<Redis> =>
    Layer.effect(
      Redis,
      Effect.gen(function* () {
        const client = yield* Effect.acquireRelease(
          Effect.sync(() => open(Redacted.value(options.url), options.name)),
          (opened) => Effect.sync(() => opened.disconnect())
        )
        const breaker = yield* Breaker.make(options.dependency ?? "redis")
        return Redis.of({
          use: (command) =>
            Effect.tryPromise({ try: () => command(client), catch: (cause) => new RedisUnavailable({ cause }) }).pipe(
              Effect.timeoutOrElse({
                duration: options.answerMsMax ?? commandTimeoutMs,
                orElse: () => Effect.fail(new RedisUnavailable({ cause: "no answer" }))
              }),
              breaker.run,
              Effect.catchTag("BreakerOpen", (cause) => Effect.fail(new RedisUnavailable({ cause })))
            )
        })
      })
    )
}

const open = (url: string, connectionName: string): Client => {
  const client = new Client(url, {
    connectionName,
    lazyConnect: true,
    enableOfflineQueue: false,
    // What is asked in one turn of the event loop is one write, not one each.
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2_000)
  })
  // Every command reports the failure to its caller; without a listener ioredis prints it.
  client.on("error", () => undefined)
  client.connect().catch(() => undefined)
  return client
}
