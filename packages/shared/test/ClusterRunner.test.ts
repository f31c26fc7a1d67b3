import { assert, layer } from "@effect/vitest"
import * as ClusterClient from "@halles/shared/ClusterClient"
import * as ClusterRunner from "@halles/shared/ClusterRunner"
import { MessageTooLarge } from "@halles/shared/NatsTransport"
import { shardGroup } from "@halles/shared/Region"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { Cause, Context, Effect, Exit, Layer, Schedule, Schema, Scope, Stream } from "effect"
import { ClusterSchema, Entity, RunnerStorage, Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"

const Place = Entity.make("Place", [
  Rpc.make("Where", { success: Schema.String }),
  Rpc.make("Length", { payload: { text: Schema.String }, success: Schema.Int }),
  Rpc.make("Count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true })
]).annotate(ClusterSchema.ShardGroup, shardGroup)

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

const start = Effect.fnUntraced(function* (runnerId: string) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const overrides = { refreshAssignmentsInterval: 50, entityMessagePollInterval: 50 }
  yield* Layer.buildWithScope(
    layerPlace(runnerId).pipe(
      Layer.provide(ClusterRunner.layer({ runnerId, region: "eu", version: "test", overrides })),
      Layer.provide(NatsTest.layerConnection(runnerId))
    ),
    scope
  )
  return { stop: Scope.close(scope, Exit.void) }
})

/** One list of runners for all of a test. */
const layerStorage = Layer.merge(NatsTest.layer, RunnerStorage.layerMemory)

layer(layerStorage, { excludeTestServices: true })("a cluster over NATS", (it) => {
  it.effect(
    "spreads entities over its runners, and moves them when one stops",
    () =>
      Effect.gen(function* () {
        const one = yield* start("eu-1")
        const context = yield* Layer.build(
          ClusterClient.layerWithStorage({ region: "eu" }).pipe(Layer.provide(NatsTest.layerConnection("edge")))
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
