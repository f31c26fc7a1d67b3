import { assert, layer } from "@effect/vitest"
import { Redis, type RedisUnavailable } from "@halles/shared/clients/Redis"
import { Config, Context, Effect, Layer, Redacted, Schedule } from "effect"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Environment from "../src/Environment.ts"
import { redisServer, redisUrl, type Store } from "../src/servers/RedisServer.ts"
import { Secrets } from "../src/servers/Secrets.ts"
import { awaitHealthy, supervise } from "../src/cluster/Supervised.ts"

const secrets = new Secrets(
  Object.fromEntries(Object.keys(Secrets.fields).map((name) => [name, `s${name}`])) as ConstructorParameters<
    typeof Secrets
  >[0]
)
/** Between those of the layouts of one checkout. */
const portsAfter = 90
const smallBytes = 16_000_000

/** Both, as `npm start` runs them, but for less memory. */
class Stores extends Context.Service<
  Stores,
  (store: Store, user: string, password: string) => Layer.Layer<Redis, RedisUnavailable>
>()("@halles/infra/test/Stores") {
  static readonly layer = Layer.effect(
    Stores,
    Effect.gen(function* () {
      const portBase = (yield* Config.withDefault(Config.Int("HALLES_PORT_BASE"), 4_400)) + portsAfter
      const path = yield* Config.withDefault(Config.String("HALLES_TEST_REDIS_BIN"), "redis-server")
      const libraries = yield* Config.withDefault(Config.String("LD_LIBRARY_PATH"), "")
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "halles-stores-"))),
        (made) => Effect.sync(() => rmSync(made, { recursive: true }))
      )
      mkdirSync(join(directory, "logs"))
      const layout = { directory, portBase }
      for (const store of ["redis", "counters"] as const) {
        const program = { path, env: { LD_LIBRARY_PATH: libraries }, source: "" }
        const spec = redisServer(layout, store, secrets, program)
        const file = spec.args[0]!
        writeFileSync(file, readFileSync(file, "utf8").replace(/^maxmemory .*$/m, `maxmemory ${smallBytes}`))
        yield* awaitHealthy(yield* supervise(spec, () => undefined))
      }
      return (store: Store, user: string, password: string) =>
        Layer.effect(
          Redis,
          Effect.tap(Redis, ({ use }) =>
            Effect.retry(
              // ioredis sends what may be asked while a server loads, as INFO, before it is ready for all else.
              use((client) => (client.status === "ready" ? client.info() : Promise.reject(new Error(client.status)))),
              { schedule: Schedule.spaced("20 millis"), times: 100 }
            )
          )
        ).pipe(
          Layer.provide(
            Redis.layer({
              url: Redacted.make(Environment.withLogin(redisUrl(layout, store), user, password)),
              name: "test"
            })
          )
        )
    })
  ).pipe(Layer.orDie)
}

const as = Effect.fnUntraced(function* (store: Store, user: string, password: string) {
  return Context.get(yield* Layer.build((yield* Stores)(store, user, password)), Redis)
})

layer(Stores.layer, { excludeTestServices: true, timeout: "30 seconds" })("the two stores", (it) => {
  it.effect("let each process at its own keys, and nobody at their settings", () =>
    Effect.gen(function* () {
      const edge = yield* as("counters", "edge", secrets.countersEdge)
      const refused = [
        ["FLUSHALL"],
        ["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"],
        ["KEYS", "*"],
        ["DEBUG", "SLEEP", "10"],
        ["SHUTDOWN"],
        ["GET", "identity:secondFactor:x"],
        ["DEL", "identity:secondFactor:x"],
        ["EVAL", "return redis.call('DEL', 'identity:secondFactor:x')", "0"],
        ["ACL", "LIST"],
        ["REPLICAOF", "127.0.0.1", "1"]
      ] as const
      for (const [command, ...args] of refused) {
        const error = yield* Effect.flip(edge.use((client) => client.call(command, ...args)))
        assert.match(String((error.cause as Error).message), /NOPERM|no permissions|can.t access|not allowed/i, command)
      }
      yield* edge.use((client) => client.set("limit:address:x", "1", "PX", 1_000))
      const stranger = yield* Effect.exit(as("counters", "identity", secrets.countersEdge))
      assert.strictEqual(stranger._tag, "Failure")
    })
  )

  it.effect("keep answers to keys while pages are pushed out, and take no more counts rather than forget one", () =>
    Effect.gen(function* () {
      const cache = yield* as("redis", "edge", secrets.redisEdge)
      const day = 24 * 3_600_000
      const kept = Array.from({ length: 200 }, (_, index) => `idempotency:${index}`)
      yield* cache.use((client) => Promise.all(kept.map((key) => client.set(key, "x".repeat(1_000), "PX", day))))
      const page = "x".repeat(16_384)
      for (let round = 0; round < 20; round++) {
        yield* cache.use((client) =>
          Promise.all(
            Array.from({ length: 200 }, (_, index) => client.set(`answer:${round}:${index}`, page, "PX", 60_000))
          )
        )
      }
      const there = yield* cache.use((client) => client.exists(...kept))
      // By a sample of keys each time: next to none is lost.
      assert.isAtLeast(there, 198)

      const identity = yield* as("counters", "identity", secrets.countersIdentity)
      yield* identity.use((client) => client.set("identity:signInPair:victim", "5", "PX", day))
      const edge = yield* as("counters", "edge", secrets.countersEdge)
      const fill = (round: number) =>
        edge.use((client) =>
          Promise.all(Array.from({ length: 500 }, (_, index) => client.set(`limit:${round}:${index}`, page, "PX", day)))
        )
      const full = yield* Effect.flip(
        Effect.forEach(
          Array.from({ length: 40 }, (_, round) => round),
          fill,
          { discard: true }
        )
      )
      assert.match(String((full.cause as Error).message), /OOM/)
      assert.strictEqual(yield* identity.use((client) => client.get("identity:signInPair:victim")), "5")
    })
  )
})
