import * as ActivationDirectory from "@halles/engine/activation/ActivationDirectory"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { Journal } from "@halles/engine/journal/Journal"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import type { Model } from "@halles/engine/eventsourced/Model"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { assert, layer } from "@effect/vitest"
import { commandFields } from "@halles/shared/Command"
import { CommandId } from "@halles/shared/Ids"
import * as Shard from "@halles/shared/Shard"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Context, Effect, Layer, Result, Schedule, Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"
import * as EngineTables from "../EngineTables.ts"

class Open extends Schema.TaggedClass<Open>()("Open", { ...commandFields, amount: Schema.Int }) {}
class Add extends Schema.TaggedClass<Add>()("Add", { ...commandFields, amount: Schema.Int }) {}
class OpenAlready extends Schema.TaggedError<OpenAlready>()("OpenAlready", {}) {}
class NotOpen extends Schema.TaggedError<NotOpen>()("NotOpen", {}) {}
class TooLittle extends Schema.TaggedError<TooLittle>()("TooLittle", {}) {}

const Answer = Schema.Struct({ total: Schema.Int, seq: Schema.Int, repeated: Schema.Boolean })
const refusals = Schema.Union([OpenAlready, NotOpen, TooLittle])
const Account = Entity.make("Account", [
  Rpc.make("Open", { payload: Open, success: Answer, error: refusals }),
  Rpc.make("Add", { payload: Add, success: Answer, error: refusals }),
  Rpc.make("Total", { success: Schema.NullOr(Schema.Int) })
])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

const Put = Schema.TaggedStruct("Put", { amount: Schema.Int })
type State = { readonly total: number | null }
const model: Model<State, Open | Add, typeof Put.Type, OpenAlready | NotOpen | TooLittle> = {
  type: "Account",
  version: 1,
  creates: ["Open"],
  Event: Put,
  State: Schema.Struct({ total: Schema.NullOr(Schema.Int) }),
  initial: { total: null },
  decide: ({ total }, { _tag, amount }) => {
    if (_tag === "Open" && total !== null) return Result.fail(new OpenAlready())
    if (_tag === "Add" && total === null) return Result.fail(new NotOpen())
    if (amount < 0) return Result.fail(new TooLittle())
    return Result.succeed(amount === 0 ? [] : [{ _tag: "Put", amount }])
  },
  evolve: ({ total }, { amount }) => ({ total: (total ?? 0) + amount })
}

/** Ids that were read from the journal. */
class Loaded extends Context.Service<Loaded, Array<string>>()("test/Loaded") {
  static readonly layer = Layer.sync(Loaded, () => [])
}
const counted = Layer.effect(
  Journal,
  Effect.gen(function* () {
    const journal = yield* Journal
    const loaded = yield* Loaded
    return Journal.of({
      ...journal,
      load: (type, id) =>
        Effect.andThen(
          Effect.sync(() => void loaded.push(id)),
          journal.load(type, id)
        )
    })
  })
)

type Self = Parameters<
  Parameters<typeof EventSourced.answerCommand<Open | Add, string, State, typeof Put.Type, never, never>>[0]
>
const answer = (_id: Self[0], { repeated, seq, state }: Self[1]) =>
  Result.succeed({ total: state.total ?? -1, seq, repeated })

const Test = EventSourced.layer(
  Account,
  { ...model, replies: { Open: answer, Add: answer } },
  {
    id: Schema.String,
    maxIdleTime: "5 minutes",
    mailboxCapacity: 64,
    handlers: { Total: (self) => Effect.map(self.committed, ({ state }) => state.total) }
  }
).pipe(
  Layer.provide(counted),
  Layer.provideMerge(Loaded.layer),
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(EngineTables.layer),
  Layer.provideMerge(PgTest.layer("new_entities"))
)

const commandId = (id: string) => CommandId.make(id)
const open = (id: string, amount: number) => new Open({ commandId: commandId(id), amount })
const add = (id: string, amount: number) => new Add({ commandId: commandId(id), amount })

const leaveMemory = (id: string) =>
  Effect.gen(function* () {
    const { find } = yield* ActivationDirectory.ActivationDirectory
    yield* find("Account", id)?.passivate() ?? Effect.void
    assert.isUndefined(find("Account", id), `${id} is in memory`)
  })
const loadsOf = (id: string) => Effect.map(Loaded, (ids) => ids.filter((one) => one === id).length)
const seqsOf = (id: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ seq: number }>`SELECT seq FROM journal_all WHERE entity_id = ${id} ORDER BY seq`
    return rows.map(({ seq }) => seq)
  })

/** One with rows 1 and 2, which come to 7, and not in memory. */
const withHistory = Effect.fnUntraced(function* (id: string) {
  const account = (yield* EntityClient.make(Account))(id)
  yield* account.Open(open("opened", 5))
  yield* account.Add(add("added", 2))
  yield* leaveMemory(id)
  assert.strictEqual(yield* loadsOf(id), 0)
  return account
})

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("entities that are taken for new", (it) => {
  it.effect("are opened, changed and looked at without a look into the journal", () =>
    Effect.gen(function* () {
      const account = (yield* EntityClient.make(Account))("eu_new")
      const [opened, added, total] = yield* Effect.all(
        [account.Open(open("o", 5)), account.Add(add("a", 2)), account.Total()],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(opened, { total: 5, seq: 1, repeated: false })
      assert.deepStrictEqual(added, { total: 7, seq: 2, repeated: false })
      assert.strictEqual(total, 7)
      assert.deepStrictEqual(yield* account.Open(open("o", 5)), { total: 7, seq: 2, repeated: true })
      assert.strictEqual((yield* Effect.flip(account.Open(open("o2", 5))))._tag, "OpenAlready")
      assert.strictEqual(yield* loadsOf("eu_new"), 0)
      assert.deepStrictEqual(yield* seqsOf("eu_new"), [1, 2])
    })
  )

  it.effect("have a history all the same: a repeat is answered from it", () =>
    Effect.gen(function* () {
      const account = yield* withHistory("eu_repeat")
      assert.deepStrictEqual(yield* account.Open(open("opened", 5)), { total: 7, seq: 2, repeated: true })
      assert.strictEqual(yield* loadsOf("eu_repeat"), 1)
      assert.deepStrictEqual(yield* seqsOf("eu_repeat"), [1, 2])
    })
  )

  it.effect("have a history all the same: another command is decided on it, and so is what comes with it", () =>
    Effect.gen(function* () {
      const account = yield* withHistory("eu_other")
      const [refused, total, added, refusedToo] = yield* Effect.all(
        [
          Effect.flip(account.Open(open("other", 9))),
          account.Total(),
          account.Add(add("more", 1)),
          Effect.flip(account.Open(open("another", 9)))
        ],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([refused._tag, refusedToo._tag], ["OpenAlready", "OpenAlready"])
      assert.include([7, 8], total)
      assert.deepStrictEqual(added, { total: 8, seq: 3, repeated: false })
      assert.deepStrictEqual(yield* seqsOf("eu_other"), [1, 2, 3])
    })
  )

  // What writes no row meets no index.
  it.effect("refuse nothing, answer no query and do not say that there is nothing to do before they know", () =>
    Effect.gen(function* () {
      const account = yield* withHistory("eu_unread")
      assert.strictEqual((yield* Effect.flip(account.Open(open("little", -1))))._tag, "OpenAlready")
      yield* leaveMemory("eu_unread")
      assert.strictEqual((yield* Effect.flip(account.Open(open("nothing", 0))))._tag, "OpenAlready")
      yield* leaveMemory("eu_unread")
      const [, total] = yield* Effect.all([Effect.flip(account.Open(open("little", -1))), account.Total()], {
        concurrency: "unbounded"
      })
      assert.strictEqual(total, 7)
    })
  )

  it.effect("are new, and refuse what a new one refuses", () =>
    Effect.gen(function* () {
      const account = (yield* EntityClient.make(Account))("eu_little")
      assert.strictEqual((yield* Effect.flip(account.Open(open("little", -1))))._tag, "TooLittle")
      assert.strictEqual(yield* account.Total(), null)
      assert.strictEqual((yield* Effect.flip(account.Add(add("early", 1))))._tag, "NotOpen")
      assert.deepStrictEqual(yield* account.Open(open("enough", 1)), { total: 1, seq: 1, repeated: false })
    })
  )

  it.effect("have a history in the archive all the same", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const account = yield* withHistory("eu_archived")
      yield* sql`DELETE FROM outbox_batch`
      const archive = sql<{ moved: bigint }>`
        SELECT moved FROM journal_archive(ARRAY['Account'], now() + interval '1 day', 500)`
      yield* archive
      const [{ moved } = { moved: 0n }] = yield* archive
      assert.isAtLeast(Number(moved), 2)
      assert.strictEqual((yield* Effect.flip(account.Open(open("other", 9))))._tag, "OpenAlready")
      assert.deepStrictEqual(yield* account.Open(open("opened", 5)), { total: 7, seq: 2, repeated: true })
      assert.deepStrictEqual(yield* account.Add(add("more", 1)), { total: 8, seq: 3, repeated: false })
      assert.deepStrictEqual(yield* seqsOf("eu_archived"), [1, 2, 3])
    })
  )

  it.effect("are not made when they are parked already", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const id = "eu_parked"
      const shard = Shard.shardOf(id)
      yield* sql`
        INSERT INTO parked_entity (entity_type, entity_id, shard, cause, tries, runner)
        VALUES ('Account', ${id}, ${shard}, 'a loop', 1, 'test-runner')`
      // Its shard is taken anew, as by the next runner.
      const epochs = yield* ShardEpochs
      const before = epochs.current(shard)!
      yield* sql`SELECT * FROM shard_epoch_raise(${[shard]}, 'intruder')`
      yield* Effect.repeat(
        Effect.sync(() => epochs.current(shard) ?? 0),
        { schedule: Schedule.spaced("10 millis"), until: (epoch) => epoch > before }
      )
      const account = (yield* EntityClient.make(Account))(id)
      const failure = yield* Effect.flip(account.Open(open("o", 5)))
      assert.strictEqual((failure as { readonly _tag: string })._tag, "EntityParked")
      assert.deepStrictEqual(yield* seqsOf(id), [])
      assert.strictEqual(yield* loadsOf(id), 1)
    })
  )
})
