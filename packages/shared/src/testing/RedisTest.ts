import { connect } from "node:net"
import { join } from "node:path"
import { Config, Context, Effect, Layer, Redacted, Schedule, Schema } from "effect"
import { Redis } from "../clients/Redis.ts"
import * as ServerProcess from "./ServerProcess.ts"

/** `redis-server` could not be started: is it installed, or named in HALLES_TEST_REDIS_BIN? */
export class RedisTestFailed extends Schema.TaggedError<RedisTestFailed>()("RedisTestFailed", {
  cause: Schema.Defect()
}) {}

/** A real Redis of its own, on a socket in a folder of its own, that a test may kill and start again, empty. */
export class RedisTest extends Context.Service<
  RedisTest,
  {
    /** Path of its socket, which ioredis takes for a URL. */
    readonly url: string
    /** SIGKILL; returns when the process is gone. */
    readonly kill: Effect.Effect<void>
    /** Returns when it accepts connections. */
    readonly start: Effect.Effect<void, RedisTestFailed>
    /** It forgets everything, and goes on. */
    readonly flush: Effect.Effect<void>
    /** It keeps its connections and answers nothing, until `thaw`. */
    readonly freeze: Effect.Effect<void>
    readonly thaw: Effect.Effect<void>
  }
>()("@halles/shared/testing/RedisTest") {
  static readonly layer = Layer.effect(
    RedisTest,
    Effect.suspend(() => make)
  )

  /** A connection that is up. */
  static readonly layerConnection = (name: string) =>
    Layer.effect(
      Redis,
      Effect.gen(function* () {
        const redis = yield* Redis
        yield* Effect.retry(
          redis.use((client) => client.ping()),
          { schedule: Schedule.spaced("20 millis"), times: 250 }
        )
        return redis
      })
    ).pipe(
      Layer.provide(Layer.unwrap(Effect.map(RedisTest, ({ url }) => Redis.layer({ url: Redacted.make(url), name }))))
    )
}

const make = Effect.gen(function* () {
  const program = yield* Config.String("HALLES_TEST_REDIS_BIN").pipe(Config.withDefault("redis-server"))
  const folder = yield* ServerProcess.folder("redis")
  const url = join(folder, "redis.sock")
  const { kill, send, start } = yield* ServerProcess.make({
    program,
    args: ["--port", "0", "--unixsocket", url, "--save", "", "--dir", folder],
    isReady: /ready to accept connections/i,
    failed: (cause) => new RedisTestFailed({ cause })
  })
  const flush = Effect.promise(
    () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(url, () => socket.write("FLUSHALL\r\n"))
        socket.once("error", reject).once("data", () => resolve(void socket.destroy()))
      })
  )
  return RedisTest.of({ url, kill, start, flush, freeze: send("SIGSTOP"), thaw: send("SIGCONT") })
})
