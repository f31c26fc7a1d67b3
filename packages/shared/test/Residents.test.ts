import * as EntityClient from "@halles/shared/EntityClient"
import { assert, it, layer } from "@effect/vitest"
import * as Residents from "@halles/shared/Residents"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Option, Schema } from "effect"
import {
  Entity,
  EntityAddress,
  EntityId,
  EntityType,
  MessageStorage,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerStorage
} from "effect/cluster"
import { ClusterSchema, ShardId, Sharding, ShardingConfig } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"

class No extends Schema.TaggedError<No>()("No", {}) {}

const Probe = Entity.make("Probe", [
  /** Says how often this entity was made, and whether the entity manager is among those who called. */
  Rpc.make("Ask", { success: Schema.Struct({ made: Schema.Int, managed: Schema.Boolean }) }),
  Rpc.make("Refuse", { error: No }),
  /** Its handler dies where it is called directly, and at its first call by the manager; each time it is made anew. */
  Rpc.make("Die", { success: Schema.String }),
  Rpc.make("Hang", {})
]).annotateRpcs(ClusterSchema.Uninterruptible, true)

const made = new Map<string, number>()
const deaths = new Map<string, number>()
const count = (counts: Map<string, number>, id: string) => {
  const next = (counts.get(id) ?? 0) + 1
  counts.set(id, next)
  return next
}
/** The manager gives each call a span of its own. */
const managed = Effect.map(
  Effect.option(Effect.currentSpan),
  (span) => Option.isSome(span) && span.value.name.startsWith("Probe.")
)

const options = { concurrency: "unbounded", maxIdleTime: "1 minute", mailboxCapacity: 4 } as const

const ProbeLive = Probe.toLayer(
  Effect.gen(function* () {
    const id: string = (yield* Entity.CurrentAddress).entityId
    const number = count(made, id)
    return Probe.of({
      Ask: () => Effect.map(managed, (is) => ({ made: number, managed: is })),
      Refuse: () => Effect.fail(new No()),
      Die: () =>
        Effect.flatMap(managed, (is) =>
          is && count(deaths, id) > 1 ? Effect.succeed("survived") : Effect.die("broken")
        ),
      Hang: () => Effect.never
    })
  }).pipe(Residents.residing(Probe, options)),
  options
)

const Test = ProbeLive.pipe(
  Layer.provideMerge([Sharding.layer, Residents.Residents.layerWith({ finishMs: 0 })]),
  Layer.provide([Runners.layerNoop, RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
  Layer.provide(MessageStorage.layerNoop),
  Layer.provide(
    ShardingConfig.layer({
      runnerAddress: Option.some(RunnerAddress.make("residents", 1)),
      shardsPerGroup: 1,
      entityTerminationTimeout: 0
    })
  )
)

layer(Test, { timeout: "30 seconds" })("Residents", (it) => {
  const ask = Effect.fnUntraced(function* (id: string) {
    return yield* (yield* EntityClient.make(Probe))(id).Ask()
  })

  it.effect("are called without the entity manager once they are in memory", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* ask("one"), { made: 1, managed: true })
      assert.deepStrictEqual(yield* ask("one"), { made: 1, managed: false })
      const refused = yield* Effect.exit((yield* EntityClient.make(Probe))("one").Refuse())
      assert.deepStrictEqual(refused, Exit.fail(new No()))
    })
  )

  it.effect("stay while they are called, and are passivated when they are not", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("10 seconds")
      yield* ask("idle")
      for (let second = 0; second < 300; second += 5) {
        assert.strictEqual((yield* ask("idle")).made, 1)
        yield* TestClock.adjust("5 seconds")
      }
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(yield* ask("idle"), { made: 2, managed: true })
      assert.deepStrictEqual(yield* ask("idle"), { made: 2, managed: false })
    })
  )

  it.effect("are rebuilt by the manager when a handler dies, and its caller is answered then", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("10 seconds")
      yield* ask("brittle")
      const dying = yield* Effect.forkChild((yield* EntityClient.make(Probe))("brittle").Die())
      yield* TestClock.adjust("30 seconds")
      const exit = yield* Effect.exit(Fiber.join(dying))
      assert.deepStrictEqual(exit, Exit.succeed("survived"))
      assert.strictEqual((yield* ask("brittle")).made, 3)
    })
  )

  it.effect("take as many calls as their mailbox holds, and the manager as many again; then it is full", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("10 seconds")
      yield* ask("full")
      const clientOf = yield* EntityClient.make(Probe)
      for (let call = 0; call < 2 * options.mailboxCapacity; call += 1) {
        yield* Effect.forkChild(clientOf("full").Hang(), { startImmediately: true })
      }
      const exit = yield* Effect.exit(clientOf("full").Ask())
      const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
      assert.strictEqual(Option.getOrUndefined(error)?._tag, "MailboxFull")
    })
  )
})

it.effect("who leaves answers what it has begun, for a while; what hangs is for the manager then", () =>
  Effect.gen(function* () {
    const residents = yield* Residents.Residents
    const gate = yield* Deferred.make<string>()
    const resident = new Residents.Resident({
      address: EntityAddress.make({
        shardId: ShardId.make("eu/1", 1),
        entityType: EntityType.make("Probe"),
        entityId: EntityId.make("leaving")
      }),
      requests: Probe.protocol.requests,
      handlers: { Ask: () => Deferred.await(gate), Hang: () => Effect.never },
      services: yield* Effect.context<never>(),
      options,
      supervision: residents.supervision
    })
    residents.add(resident)
    const answers: Array<unknown> = []
    const told = (exit: Exit.Exit<unknown, unknown> | null) => answers.push(exit)
    assert.isTrue(resident.call("Ask", undefined, undefined, told))
    assert.isTrue(resident.call("Hang", undefined, undefined, told))
    const left = yield* Effect.forkChild(residents.remove(resident), { startImmediately: true })
    assert.isUndefined(residents.find("Probe", "leaving"))
    yield* Deferred.succeed(gate, "done")
    yield* TestClock.adjust(Residents.finishMs / 2)
    assert.deepStrictEqual(answers, [Exit.succeed("done")])
    yield* TestClock.adjust(Residents.finishMs / 2)
    yield* Fiber.join(left)
    assert.deepStrictEqual(answers, [Exit.succeed("done"), null])
  }).pipe(Effect.provide(Residents.Residents.layer))
)
