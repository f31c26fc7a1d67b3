import { assert, layer } from "@effect/vitest"
import * as ClusterClient from "@halles/engine/cluster/ClusterClient"
import * as ClusterRunner from "@halles/engine/cluster/ClusterRunner"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import { failedWith, TooLarge } from "@halles/engine/activation/Undeclared"
import { Caller } from "@halles/engine/transport/Caller"
import { regionOf } from "@halles/shared/Region"
import * as ActivationDirectory from "@halles/engine/activation/ActivationDirectory"
import * as Shard from "@halles/shared/Shard"
import { controlSession, Placement } from "@halles/engine/placement/Placement"
import * as PlacementTables from "@halles/engine/placement/PlacementTables"
import * as Postgres from "@halles/shared/clients/Postgres"
import { RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import * as RunClock from "@halles/shared/testing/RunClock"
import { Cause, Context, Effect, Exit, Fiber, Layer, Schedule, Schema, Scope, Stream } from "effect"
import { ClusterSchema, Entity, RunnerStorage, ShardId } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as FencedRunnerStorage from "@halles/engine/placement/FencedRunnerStorage"
import * as EngineTables from "../EngineTables.ts"
import { Outbox } from "@halles/engine/journal/Outbox"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"

const Place = Entity.make("Place", [
  Rpc.make("Where", { success: Schema.String }).annotate(ClusterSchema.Uninterruptible, true),
  /** Never answers, and cannot be interrupted. */
  Rpc.make("Hang", { success: Schema.Void }).annotate(ClusterSchema.Uninterruptible, true),
  /** Its handler dies each time. */
  Rpc.make("Die", { success: Schema.Void }).annotate(ClusterSchema.Uninterruptible, true),
  /** Dies on the runners that are brittle, and answers on others. */
  Rpc.make("Brittle", { success: Schema.String }).annotate(ClusterSchema.Uninterruptible, true),
  Rpc.make("Length", { payload: { text: Schema.String }, success: Schema.Int }).annotate(
    ClusterSchema.Uninterruptible,
    true
  ),
  Rpc.make("Repeat", { payload: { times: Schema.Int }, success: Schema.String }).annotate(
    ClusterSchema.Uninterruptible,
    true
  ),
  /** What it decides is larger than a row may be. */
  Rpc.make("Grow", {}).annotate(ClusterSchema.Uninterruptible, true),
  Rpc.make("Count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true })
]).annotate(ClusterSchema.ShardGroup, Shard.group)

const brittle = new Set<string>()

const layerPlace = (runnerId: string) =>
  ActivationDirectory.layer(Place, {
    maxIdleTime: "1 minute",
    mailboxCapacity: 4_096,
    activate: () => Effect.succeed({ close: () => Effect.void }),
    handlers: {
      Where: () => Effect.succeed(runnerId),
      Hang: () => Effect.never,
      Die: () => Effect.die("broken"),
      Brittle: () => (brittle.has(runnerId) ? Effect.die("broken") : Effect.succeed(runnerId)),
      Length: (_, { text }) => Effect.succeed(text.length),
      Repeat: (_, { times }) => Effect.succeed("x".repeat(times)),
      Grow: () => failedWith("TooLarge", "Place/here") as Exit.Exit<never>,
      Count: (_, { to }) => Stream.range(1, to)
    }
  })

const layerControl = (applicationName: string) =>
  Layer.unwrap(Effect.map(PgTest.url, (url) => Postgres.layer({ url, applicationName, connectionsMax: 4 }))).pipe(
    Layer.orDie
  )

const start = Effect.fnUntraced(function* (runnerId: string) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const options = { runnerId, region: regionOf(runnerId), version: "test" } as const
  yield* Layer.buildWithScope(
    ClusterRunner.layerPresence(options).pipe(
      Layer.provide(layerPlace(runnerId)),
      Layer.provide(ClusterRunner.layer(options)),
      Layer.provide(ClusterRunner.layerStorage(options)),
      Layer.provide(FencedRunnerStorage.layer(options.region)),
      Layer.provide([
        RunnerStorage.layerMemory,
        RunnerPresence.layer,
        Outbox.layerNoop,
        Layer.fresh(ShardEpochs.layer(runnerId))
      ]),
      Layer.provide([NatsTest.layerConnection(runnerId), layerControl(controlSession(runnerId))])
    ),
    scope
  )
  return { stop: Scope.close(scope, Exit.void) }
})

/** The control tables and those of a region: of all regions here, since each has shards of its own. */
const tables = Layer.merge(EngineTables.layer, Layer.effectDiscard(PlacementTables.create))
const Servers = Layer.merge(
  NatsTest.layer,
  tables.pipe(Layer.provideMerge(PgTest.layer("cluster_runner")), Layer.orDie)
)

/** Whether a call goes to the runner itself. */
const isAskedAtOnce = (context: Context.Context<Caller>, entityId: string) =>
  Effect.callback<boolean>((resume) => {
    const sent = EntityClient.askRunner(
      Context.get(context, Caller),
      {
        shard: ShardId.make(Shard.group(entityId), 1),
        type: Place.type,
        id: entityId,
        rpc: Place.protocol.requests.get("Where")!,
        payload: undefined,
        parent: undefined
      },
      (exit) => resume(Effect.succeed(exit !== null && Exit.isSuccess(exit)))
    )
    if (sent === undefined) resume(Effect.succeed(false))
  })

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
        const place = yield* Effect.provide(EntityClient.make(Place), context)
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
        assert.isTrue(yield* isAskedAtOnce(context, "eu_place0"), "who answered is known without Sharding")

        assert.strictEqual((yield* Stream.runCollect(place("eu_place0").Count({ to: 500 }))).length, 500)
        assert.strictEqual(yield* place("eu_place0").Length({ text: "x".repeat(2_000_000) }), 2_000_000)
        const refused = yield* Effect.exit(place("eu_place0").Length({ text: "x".repeat(17 * 1024 * 1024) }))
        assert.instanceOf(Exit.isFailure(refused) && Cause.squash(refused.cause), TooLarge)
        // Neither what is asked nor what is answered may be so large, and both are said in the same way.
        const answered: Effect.Effect<unknown, unknown> = place("eu_place0").Repeat({ times: 17 * 1024 * 1024 })
        assert.instanceOf(yield* Effect.flip(answered), TooLarge)
        const decided: Effect.Effect<unknown, unknown> = place("eu_place0").Grow()
        assert.deepInclude(yield* Effect.flip(decided), { _tag: "TooLarge", entity: "Place/eu_place0" })
        assert.strictEqual((yield* place("eu_place0").Repeat({ times: 3_000_000 })).length, 3_000_000)
      }),
    120_000
  )

  it.effect(
    "hands a shard over though one of its entities hangs and another one always dies",
    () =>
      Effect.gen(function* () {
        yield* start("eu-7")
        yield* start("eu-8")
        const context = yield* Layer.build(
          Layer.merge(ClusterClient.layer({ region: "eu" }), Placement.layer).pipe(
            Layer.provide([NatsTest.layerConnection("edge"), layerControl("edge")])
          )
        )
        const place = yield* Effect.provide(EntityClient.make(Place), context)
        const placement = Context.get(context, Placement)
        const shard = 7
        const [hangs, dies, neighbour, rebuilt] = Array.from({ length: 1_000 }, (_, index) => `eu_n${index}`).filter(
          (id) => Shard.shardOf(id) === shard
        )
        const owner = yield* place(neighbour!).Where()
        yield* Effect.forkChild(Effect.ignore(place(hangs!).Hang()))
        yield* Effect.forkChild(Effect.ignore(place(dies!).Die()))
        brittle.add(owner)
        const forgotten = yield* Effect.forkChild(place(rebuilt!).Brittle())
        yield* Effect.sleep(300)
        assert.strictEqual(yield* place(neighbour!).Where(), owner, "beside them it answers")

        yield* placement.leave("eu", owner, "operator")
        const slowest = { ms: 0 }
        yield* Effect.gen(function* () {
          const since = RunClock.nowMs()
          const where = yield* place(neighbour!).Where()
          slowest.ms = Math.max(slowest.ms, RunClock.nowMs() - since)
          return where
        }).pipe(
          Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: (where) => where !== owner }),
          Effect.timeout("15 seconds")
        )
        // The entities' deadline is 300 ms; the rest is for a machine that runs other tests.
        assert.isBelow(slowest.ms, 1_500)
        // It was being rebuilt when its shard went: whoever asked it is answered by the next owner, and not at his deadline.
        assert.notStrictEqual(yield* Fiber.join(forgotten).pipe(Effect.timeout("3 seconds")), owner)
        yield* placement.stay("eu", owner, "operator")
      }),
    120_000
  )

  it.effect(
    "fails at once in a region without a runner, and answers again when one comes",
    () =>
      Effect.gen(function* () {
        const context = yield* Layer.build(
          ClusterClient.layer({ region: "eu" }).pipe(
            Layer.provide([NatsTest.layerConnection("edge"), layerControl("edge")])
          )
        )
        const place = yield* Effect.provide(EntityClient.make(Place), context)
        const only = yield* start("am-1")
        const attempt = Effect.suspend(() => Effect.timeout(place("am_here").Where(), "250 millis"))
        const said = Effect.match(attempt, {
          onSuccess: (found) => found,
          onFailure: ({ _tag }): string => _tag
        })
        const until = (holds: (found: string) => boolean) =>
          Effect.repeat(said, { schedule: Schedule.spaced("50 millis"), until: holds })
        yield* until((found) => found === "am-1")
        yield* only.stop
        yield* until((tag) => tag === "EntityNotAssignedToRunner")
        const refused = yield* Effect.flip(attempt)
        assert.strictEqual(refused._tag, "EntityNotAssignedToRunner", "typed, and before any deadline")
        yield* start("am-2")
        yield* until((found) => found === "am-2")
      }),
    120_000
  )
})
