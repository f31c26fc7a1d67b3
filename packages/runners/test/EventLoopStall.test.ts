import { assert, layer } from "@effect/vitest"
import * as Alarms from "@halles/entities/inspector/Alarms"
import { Cart, OpenCart, RemoveLine } from "@halles/entities/cart/Cart"
import { migrateControl, migrateRegion } from "@halles/entities/Migrations"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import * as ClusterClient from "@halles/engine/cluster/ClusterClient"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CartId, CommandId, SkuCode } from "@halles/shared/Ids"
import { EntityParked } from "@halles/engine/activation/Parking"
import * as Shard from "@halles/shared/Shard"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { RedisTest } from "@halles/shared/testing/RedisTest"
import { Cause, Effect, Exit, Fiber, Layer, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { type ChildProcess, spawn } from "node:child_process"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"

/** One database is the cluster's and that of `eu`. */
const Test = ClusterClient.layer({ region: "test" }).pipe(
  Layer.provideMerge(NatsTest.layerConnection("test")),
  Layer.provideMerge(RegionDatabases.layerOne),
  Layer.provideMerge(Layer.effectDiscard(Effect.andThen(migrateRegion, migrateControl))),
  Layer.provideMerge(Layer.mergeAll(PgTest.layer("stalls"), NatsTest.layer, RedisTest.layer))
)

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer()
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address()
    probe.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

const start = Effect.fnUntraced(function* (id: string) {
  const url = Redacted.value(yield* PgTest.url)
  const nats = yield* NatsTest
  const redis = yield* RedisTest
  const port = yield* freePort
  const program = fileURLToPath(new URL("spinningRunner.ts", import.meta.url))
  const runner = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [program], {
        stdio: ["ignore", "ignore", "inherit"],
        env: {
          NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "",
          HALLES_RUNNER_ID: id,
          HALLES_REGION: "eu",
          HALLES_PG_REGION_URL: url,
          HALLES_PG_CONTROL_URL: url,
          HALLES_NATS_URL: nats.url,
          HALLES_REDIS_URL: redis.url,
          HALLES_GATEWAY_URL: "http://127.0.0.1:9",
          HALLES_CARRIER_URL: "http://127.0.0.1:9",
          HALLES_GATEWAY_KEY: "none",
          HALLES_CARRIER_KEY: "none",
          HALLES_METRICS_PORT: String(port)
        }
      })
    ),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const gone = new Promise((resolve) => child.once("exit", resolve))
        child.kill("SIGKILL")
        await gone
      })
  )
  const isReady = Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}/health/ready`).then(
      ({ ok }) => ok,
      () => false
    )
  )
  yield* isReady.pipe(
    Effect.repeat({ until: (ready) => ready, schedule: Schedule.spaced("100 millis") }),
    Effect.timeout("40 seconds")
  )
  return runner
})

const ended = (runner: ChildProcess) => runner.signalCode

let commands = 0
const commandId = () => CommandId.make(`stall-${++commands}`)
const open = () => new OpenCart({ commandId: commandId(), currency: "GBP", pricing: "shop" })
const remove = (sku: string) => new RemoveLine({ commandId: commandId(), sku: SkuCode.make(sku), variant: "" })
const spinning = CartId.make("eu_spinning")
const beside = CartId.make(
  Array.from({ length: 1_000 }, (_, index) => `eu_beside${index}`).find(
    (id) => Shard.shardOf(id) === Shard.shardOf(spinning)
  )!
)

layer(Test, { excludeTestServices: true, timeout: "120 seconds" })("EventLoopStall", (it) => {
  it.effect(
    "a handler that never yields ends its own process; its entity is refused elsewhere before it can do so again",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const first = yield* start("eu-1")
        const carts = yield* EntityClient.make(Cart)
        yield* carts(spinning).OpenCart(open())
        yield* carts(beside).OpenCart(open())
        const second = yield* start("eu-2")
        // The shard stays with the first one, whatever is balanced.
        yield* sql`INSERT INTO shard_pin (region, shard, runner) VALUES ('eu', ${Shard.shardOf(spinning)}, 'eu-1')`
        const holds = sql`
          SELECT FROM shard_placement WHERE region = 'eu' AND shard = ${Shard.shardOf(spinning)} AND holder = 'eu-1'`
        yield* holds.pipe(
          Effect.repeat({ until: (rows) => rows.length === 1, schedule: Schedule.spaced("100 millis") }),
          Effect.timeout("20 seconds")
        )

        const spun = yield* Effect.forkChild(Effect.exit(carts(spinning).RemoveLine(remove("SPIN"))))
        // The neighbour's shard is taken over, and answers, while the first process still stands still or is gone.
        yield* Effect.sleep("1 second")
        yield* Effect.retry(carts(beside).RemoveLine(remove("TEA")), Schedule.spaced("200 millis")).pipe(
          Effect.timeout("15 seconds")
        )
        const refused = yield* Effect.exit(carts(spinning).View()).pipe(
          Effect.repeat({
            until: (exit) => Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof EntityParked,
            schedule: Schedule.spaced("200 millis")
          }),
          Effect.timeout("15 seconds")
        )
        assert.isTrue(Exit.isFailure(refused))
        yield* Effect.sync(() => ended(first)).pipe(
          Effect.repeat({ until: (signal) => signal !== null, schedule: Schedule.spaced("100 millis") }),
          Effect.timeout("20 seconds")
        )
        assert.strictEqual(ended(first), "SIGKILL")
        assert.isNull(ended(second), "the next owner stood still as well")

        const rows = yield* sql<{ cause: string }>`SELECT cause FROM parked_entity WHERE entity_id = ${spinning}`
        assert.match(
          rows[0]!.cause,
          /^RemoveLine did not yield for \d+ s \(packages\/entities\/src\/cart\/CartState\.ts:/
        )
        const found = (yield* Alarms.alarms({}, ["eu"])).find(({ code }) => code === "runner_blocked")
        assert.deepInclude(found, { subject: "eu-1", shard: Shard.shardOf(spinning), severity: "critical" })
        assert.match(found!.text, /in RemoveLine of Cart\/eu_spinning, which is parked: packages\/entities/)
        yield* Fiber.interrupt(spun)
      }),
    110_000
  )
})
