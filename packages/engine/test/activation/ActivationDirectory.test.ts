import * as EntityClient from "@halles/engine/activation/EntityClient"
import { assert, layer } from "@effect/vitest"
import * as ActivationDirectory from "@halles/engine/activation/ActivationDirectory"
import { Deferred, Effect, Exit, Fiber, Layer, Option, Schema, Stream } from "effect"
import {
  ClusterSchema,
  Entity,
  MessageStorage,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerStorage,
  ShardId,
  Sharding,
  ShardingConfig
} from "effect/cluster"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"

class No extends Schema.TaggedError<No>()("No", {}) {}

const Probe = Entity.make("Probe", [
  /** Says how often this entity was made. */
  Rpc.make("Ask", { success: Schema.Int }),
  Rpc.make("Refuse", { error: No }),
  /** Its handler dies in the first activation of the entity. */
  Rpc.make("Die", { success: Schema.Int }),
  Rpc.make("Hang", {}),
  /** Answers when the test opens the gate. */
  Rpc.make("Gate", { success: Schema.Int }),
  /** A command: its answer is how many were begun before it. It is answered when the test says so. */
  Rpc.make("Command", { payload: { commandId: Schema.String }, success: Schema.Int }),
  Rpc.make("Count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true })
]).annotateRpcs(ClusterSchema.Uninterruptible, true)

const made = new Map<string, number>()
const closed: Array<string> = []
const gate = Deferred.makeUnsafe<void>()
const commands: Array<{ readonly commandId: string; readonly end: () => void }> = []
const mailboxCapacity = 4

const ProbeLive = ActivationDirectory.layer(Probe, {
  maxIdleTime: "1 minute",
  mailboxCapacity,
  activate: ({ entityId }) =>
    Effect.sync(() => {
      const activation = (made.get(entityId) ?? 0) + 1
      made.set(entityId, activation)
      return { activation, close: () => Effect.sync(() => closed.push(`${entityId} ${activation}`)) }
    }),
  handlers: {
    Ask: ({ activation }) => Effect.succeed(activation),
    Refuse: () => Effect.fail(new No()),
    Die: ({ activation }) => (activation === 1 ? Effect.die("broken") : Effect.succeed(activation)),
    Hang: () => Effect.never,
    Gate: ({ activation }) => Effect.as(Deferred.await(gate), activation),
    Command: (_, { commandId }) =>
      Effect.callback<number>((resume) => {
        const before = commands.length
        commands.push({ commandId, end: () => resume(Effect.succeed(before)) })
      }),
    Count: (_, { to }) => Stream.range(1, to)
  }
})

const Test = ProbeLive.pipe(
  Layer.provideMerge(Sharding.layer),
  Layer.provide([
    Runners.layerNoop,
    Layer.provide(ActivationDirectory.layerStorage, RunnerStorage.layerMemory),
    RunnerHealth.layerNoop
  ]),
  Layer.provideMerge(ActivationDirectory.ActivationDirectory.layer),
  Layer.provide(MessageStorage.layerNoop),
  Layer.provide(
    ShardingConfig.layer({
      runnerAddress: Option.some(RunnerAddress.make("directory", 1)),
      shardsPerGroup: 1,
      entityTerminationTimeout: 0
    })
  )
)

const probe = (id: string) => Effect.map(EntityClient.make(Probe), (clientOf) => clientOf(id))
const shard = ShardId.make("default", 1)

layer(Test, { timeout: "30 seconds" })("ActivationDirectory", (it) => {
  const started = TestClock.adjust("10 seconds")
  /** A call as the transport makes it, and what it was answered with. */
  const called = Effect.fnUntraced(function* (id: string, tag: string, payload?: unknown) {
    const directory = yield* ActivationDirectory.ActivationDirectory
    const answers: Array<unknown> = []
    const message = { entityType: "Probe", entityId: id, shardId: shard, tag, payload, parent: undefined }
    directory.call(message, (answer) => answers.push(answer))
    return answers
  })

  it.effect("are made when they are called first, and answer as their contract says", () =>
    Effect.gen(function* () {
      yield* started
      const one = yield* probe("one")
      assert.strictEqual(yield* one.Ask(), 1)
      assert.strictEqual(yield* one.Ask(), 1)
      assert.deepStrictEqual(yield* Effect.exit(one.Refuse()), Exit.fail(new No()))
      assert.deepStrictEqual(
        yield* Stream.runCollect(one.Count({ to: 100 })),
        Array.from({ length: 100 }, (_, n) => n + 1)
      )
    })
  )

  it.effect("are reached by Effect's own client as well", () =>
    Effect.gen(function* () {
      yield* started
      const far = (yield* Probe.client)("far")
      assert.strictEqual(yield* far.Ask(), 1)
      assert.instanceOf(yield* Effect.flip(far.Refuse()), No)
      assert.strictEqual(made.get("far"), 1)
    })
  )

  it.effect("begin copies of a command one after the other, and count them", () =>
    Effect.gen(function* () {
      yield* started
      yield* (yield* probe("copies")).Ask()
      const [first, second, other] = [
        yield* called("copies", "Command", { commandId: "a" }),
        yield* called("copies", "Command", { commandId: "a" }),
        yield* called("copies", "Command", { commandId: "b" })
      ]
      const begun = () => commands.map(({ commandId }) => commandId)
      assert.deepStrictEqual(begun(), ["a", "b"])
      yield* called("copies", "Command", { commandId: "a" })
      assert.deepStrictEqual(yield* called("copies", "Ask"), ["MailboxFull"])
      commands[0]!.end()
      yield* Effect.yieldNow
      assert.deepStrictEqual(begun(), ["a", "b", "a"])
      assert.deepStrictEqual([first, second, other], [[Exit.succeed(0)], [], []])
      commands[2]!.end()
      yield* Effect.yieldNow
      assert.deepStrictEqual(second, [Exit.succeed(2)])
      assert.deepStrictEqual(begun(), ["a", "b", "a", "a"])
      commands[1]!.end()
      commands[3]!.end()
      yield* Effect.yieldNow
      assert.deepStrictEqual(other, [Exit.succeed(1)])
      assert.deepStrictEqual(yield* called("copies", "Ask"), [Exit.succeed(1)])
    })
  )

  it.effect("stay while they are called, and leave, closed, when they are not", () =>
    Effect.gen(function* () {
      yield* started
      const idle = yield* probe("idle")
      for (let second = 0; second < 300; second += 20) {
        assert.strictEqual(yield* idle.Ask(), 1)
        yield* TestClock.adjust("20 seconds")
      }
      assert.notInclude(closed, "idle 1")
      yield* TestClock.adjust("2 minutes")
      assert.include(closed, "idle 1")
      assert.strictEqual(yield* idle.Ask(), 2)
    })
  )

  it.effect(
    "are made anew when a handler dies, and its caller is answered by the next activation; neighbours go on",
    () =>
      Effect.gen(function* () {
        yield* started
        const brittle = yield* probe("brittle")
        const waiting = yield* called("brittle", "Gate")
        const dying = yield* Effect.forkChild(brittle.Die(), { startImmediately: true })
        const late = yield* called("brittle", "Ask")
        assert.strictEqual(yield* (yield* probe("beside")).Ask(), 1)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(dying), 2)
        assert.deepStrictEqual(late, [Exit.succeed(2)])
        assert.include(closed, "brittle 1")
        assert.deepStrictEqual(waiting, [], "it is begun again in the next activation")
        yield* Deferred.succeed(gate, undefined)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(waiting, [Exit.succeed(2)])
      })
  )

  it.effect("take as many calls as their mailbox holds", () =>
    Effect.gen(function* () {
      yield* started
      const full = yield* probe("full")
      for (let call = 0; call < mailboxCapacity; call += 1) {
        yield* Effect.forkChild(full.Hang(), { startImmediately: true })
      }
      assert.strictEqual((yield* Effect.flip(full.Ask()))._tag, "MailboxFull")
      assert.strictEqual((yield* Effect.flip((yield* Probe.client)("full").Ask()))._tag, "MailboxFull")
    })
  )

  it.effect("who leaves answers what it has begun, for a while; what hangs is asked elsewhere then", () =>
    Effect.gen(function* () {
      yield* started
      const directory = yield* ActivationDirectory.ActivationDirectory
      const hanging = yield* called("leaving", "Hang")
      const leaving = yield* Effect.forkChild(directory.evict(shard), { startImmediately: true })
      assert.isUndefined(directory.find("Probe", "leaving"))
      yield* TestClock.adjust(ActivationDirectory.finishMs - 1)
      assert.deepStrictEqual(hanging, [])
      yield* TestClock.adjust(1)
      yield* Fiber.join(leaving)
      assert.deepStrictEqual(hanging, ["EntityNotAssignedToRunner"])
      assert.include(closed, "leaving 1")
      assert.strictEqual(directory.count("Probe"), 0)
    })
  )
})
