import { assert, layer } from "@effect/vitest"
import * as ClusterClient from "@halles/shared/ClusterClient"
import * as ClusterRunner from "@halles/shared/ClusterRunner"
import { MessageTooLarge } from "@halles/shared/NatsTransport"
import * as Shard from "@halles/shared/Shard"
import { lockSession } from "@halles/shared/Placement"
import * as PlacementTables from "@halles/shared/Placement/Tables"
import * as Postgres from "@halles/shared/Postgres"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Cause, Context, Effect, Exit, Layer, Schedule, Schema, Scope, Stream } from "effect"
import { ClusterSchema, Entity, Sharding, SqlRunnerStorage } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Migrator } from "effect/sql"

const Place = Entity.make("Place", [
  Rpc.make("Where", { success: Schema.String }),
  Rpc.make("Length", { payload: { text: Schema.String }, success: Schema.Int }),
  Rpc.make("Count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true })
]).annotate(ClusterSchema.ShardGroup, Shard.group)

const layerPlace = (runnerId: string) =>
  Place.toLayer(
    Effect.succeed(
      Place.of({
        Where: () => Effect.succeed(runnerId),
        Length: ({ payload }) => Effect.succeed(payload.text.length),
        Count: ({ payload }) => Stream.range(1, payload.to)
      })
    )
  )

const layerControl = (applicationName: string) =>
  Layer.unwrap(Effect.map(PgTest.url, (url) => Postgres.layer({ url, applicationName, connectionsMax: 4 }))).pipe(
    Layer.orDie
  )

const start = Effect.fnUntraced(function* (runnerId: string) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const options = { runnerId, region: "eu", version: "test" } as const
  yield* Layer.buildWithScope(
    ClusterRunner.layerPresence(options).pipe(
      Layer.provide(layerPlace(runnerId)),
      Layer.provide(ClusterRunner.layer(options)),
      Layer.provide(ClusterRunner.layerStorage(options)),
      Layer.provide([NatsTest.layerConnection(runnerId), layerControl(lockSession(runnerId))])
    ),
    scope
  )
  return { stop: Scope.close(scope, Exit.void) }
})

const tables = Effect.all([
  Migrator.make({})({ loader: SqlRunnerStorage.migrations({}) }),
  Migrator.make({})({ loader: PlacementTables.migrations, table: "control_migrations" })
])
const Servers = Layer.merge(
  NatsTest.layer,
  Layer.effectDiscard(tables).pipe(Layer.provideMerge(PgTest.layer("cluster_runner")), Layer.orDie)
)

layer(Servers, { excludeTestServices: true })("a cluster over NATS", (it) => {
  it.effect(
    "spreads entities over its runners, and moves them when one stops",
    () =>
      Effect.gen(function* () {
        const one = yield* start("eu-1")
        const context = yield* Layer.build(
          ClusterClient.layer({ region: "eu" }).pipe(
            Layer.provide([NatsTest.layerConnection("edge"), layerControl("edge")])
          )
        )
        const place = yield* Effect.provideService(
          Place.client,
          Sharding.Sharding,
          Context.get(context, Sharding.Sharding)
        )
        const ids = Array.from({ length: 40 }, (_, index) => `eu_place${index}`)
        const owners = Effect.map(
          Effect.forEach(ids, (id) => place(id).Where(), { concurrency: "unbounded" }),
          (found) => new Set(found)
        )
        const settle = (expected: ReadonlyArray<string>) =>
          Effect.repeat(owners, {
            schedule: Schedule.spaced("20 millis"),
            until: (found) => found.size === expected.length && expected.every((id) => found.has(id))
          })

        assert.deepStrictEqual(yield* owners, new Set(["eu-1"]))
        yield* start("eu-2")
        yield* settle(["eu-1", "eu-2"])
        yield* one.stop
        yield* settle(["eu-2"])

        assert.strictEqual((yield* Stream.runCollect(place("eu_place0").Count({ to: 500 }))).length, 500)
        assert.strictEqual(yield* place("eu_place0").Length({ text: "x".repeat(2_000_000) }), 2_000_000)
        const refused = yield* Effect.exit(place("eu_place0").Length({ text: "x".repeat(17 * 1024 * 1024) }))
        assert.instanceOf(Exit.isFailure(refused) && Cause.squash(refused.cause), MessageTooLarge)
      }),
    20_000
  )
})
