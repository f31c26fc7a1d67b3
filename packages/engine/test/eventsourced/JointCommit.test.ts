import { assert, layer } from "@effect/vitest"
import { ActivationDirectory, type Message } from "@halles/engine/activation/ActivationDirectory"
import type { Answer } from "@halles/engine/activation/Call"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { Busy } from "@halles/engine/eventsourced/EntityErrors"
import type { Model } from "@halles/engine/eventsourced/Model"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { commandFields } from "@halles/shared/Command"
import { CommandId } from "@halles/shared/Ids"
import * as Shard from "@halles/shared/Shard"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Fiber, Layer, Result, Schedule, Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"
import * as EngineTables from "../EngineTables.ts"

const command = (commandId: string) => ({ commandId: CommandId.make(commandId) })

class Full extends Schema.TaggedError<Full>()("Full", {}) {}
class Drop extends Schema.TaggedClass<Drop>()("Drop", commandFields) {}
class Empty extends Schema.TaggedClass<Empty>()("Empty", commandFields) {}
const Box = Entity.make("Box", [
  Rpc.make("Drop", { payload: Drop, success: Schema.Int, error: Schema.Union([Full, Busy]) }),
  Rpc.make("Empty", { payload: Empty, success: Schema.Int, error: Busy })
])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

const BoxEvent = Schema.Union([Schema.TaggedStruct("Dropped", {}), Schema.TaggedStruct("Emptied", {})])
/** It takes one letter. */
const box: Model<{ readonly letters: number }, Drop | Empty, typeof BoxEvent.Type, Full> = {
  type: "Box",
  version: 1,
  Event: BoxEvent,
  State: Schema.Struct({ letters: Schema.Int }),
  initial: { letters: 0 },
  decide: ({ letters }, { _tag }) => {
    if (_tag === "Empty") return Result.succeed([{ _tag: "Emptied" }])
    return letters > 0 ? Result.fail(new Full()) : Result.succeed([{ _tag: "Dropped" }])
  },
  evolve: ({ letters }, { _tag }) => ({ letters: _tag === "Dropped" ? letters + 1 : 0 })
}
const lettersIn = (state: { readonly letters: number }) => state.letters
const BoxLive = EventSourced.layer(Box, box, {
  id: Schema.String,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 64,
  handlers: {
    Drop: (self, payload) => Effect.map(self.handle(payload), ({ state }) => lettersIn(state)),
    Empty: (self, payload) => Effect.map(self.handle(payload), ({ state }) => lettersIn(state))
  }
})

class Write extends Schema.TaggedClass<Write>()("Write", commandFields) {}
class Sign extends Schema.TaggedClass<Sign>()("Sign", commandFields) {}
const Letter = Entity.make("Letter", [
  Rpc.make("Write", { payload: Write, success: Schema.String, error: Busy }),
  Rpc.make("Sign", { payload: Sign, success: Schema.String, error: Busy })
])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

const LetterEvent = Schema.Union([
  Schema.TaggedStruct("Written", {}),
  Schema.TaggedStruct("Posted", {}),
  Schema.TaggedStruct("Signed", {})
])
type LetterEvent = typeof LetterEvent.Type
interface LetterState {
  readonly phase: string
}
interface NotePosted {
  readonly _tag: "NotePosted"
  readonly commandId: CommandId
}
/** It is written and dropped into the box of its id. */
const letter: Model<LetterState, Write | Sign | NotePosted, LetterEvent, never, { readonly key: "post" }> = {
  type: "Letter",
  version: 1,
  Event: LetterEvent,
  State: Schema.Struct({ phase: Schema.String }),
  initial: { phase: "" },
  decide: (_, { _tag }) =>
    Result.succeed([{ _tag: _tag === "Write" ? "Written" : _tag === "Sign" ? "Signed" : "Posted" }]),
  evolve: ({ phase }, { _tag }) => ({ phase: `${phase}${_tag} ` }),
  next: ({ phase }) => (phase.includes("Written") && !phase.includes("Posted") ? { key: "post" } : null),
  isJoint: () => true
}
/** Letters that were lost once on the way back from the box. */
const strikes = new Set<string>(["eu_strike"])
const LetterLive = Layer.unwrap(
  Effect.map(EntityClient.make(Box), (boxes) =>
    EventSourced.layer(Letter, letter, {
      id: Schema.String,
      maxIdleTime: "5 minutes",
      mailboxCapacity: 64,
      perform: (_step, _state, id): Effect.Effect<Write | Sign | NotePosted, unknown> =>
        Effect.flatMap(boxes(id).Drop(new Drop(command("drop"))), () =>
          strikes.delete(id) ? Effect.fail("strike") : Effect.succeed({ _tag: "NotePosted", ...command("posted") })
        ),
      handlers: {
        Write: (self, payload) => Effect.map(self.handle(payload), ({ state }) => state.phase),
        Sign: (self, payload) => Effect.map(self.handle(payload), ({ state }) => state.phase)
      }
    })
  )
)

/** The shard of `eu_gone` is handed over just when a joint step is on its way. */
const Gone = Layer.effect(
  ActivationDirectory,
  Effect.map(ActivationDirectory, (directory) => ({
    ...directory,
    call: (message: Message, answered: (answer: Answer) => void) =>
      message.entityId === "eu_gone" && (message.joint ?? null) !== null
        ? answered("EntityNotAssignedToRunner")
        : directory.call(message, answered)
  }))
)

const Test = Layer.mergeAll(BoxLive, Layer.provide(LetterLive, Gone)).pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(EngineTables.layer),
  Layer.provideMerge(PgTest.layer("joint_commit"))
)

const boxOf = (id: string) => Effect.map(EntityClient.make(Box), (boxes) => boxes(id))
const letterOf = (id: string) => Effect.map(EntityClient.make(Letter), (letters) => letters(id))
/** The rows of an id in the order of their commits, each with the number of its transaction. */
const rowsOf = Effect.fnUntraced(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ row: string; transaction: string }>`
    SELECT entity_type || ' ' || seq || ' ' || (SELECT string_agg(e->>'_tag', ' ' ORDER BY n)
      FROM jsonb_array_elements(events) WITH ORDINALITY AS x(e, n)) AS row, xmin::text AS transaction
    FROM journal WHERE entity_id = ${id} ORDER BY position`
  const transactions = [...new Set(rows.map(({ transaction }) => transaction))]
  return rows.map(({ row, transaction }) => `${transactions.indexOf(transaction)}: ${row}`)
})

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("a joint commit", (it) => {
  it.effect("writes the rows of both in one transaction, and the answer with them", () =>
    Effect.gen(function* () {
      const written = yield* (yield* letterOf("eu_one")).Write(new Write(command("write")))
      assert.strictEqual(written, "Written Posted ")
      assert.deepStrictEqual(yield* rowsOf("eu_one"), ["0: Box 1 Dropped", "0: Letter 1 Written Posted"])
      assert.strictEqual(yield* (yield* boxOf("eu_one")).Empty(new Empty(command("empty"))), 0)
    })
  )

  it.effect(
    "is not made where the receiver is somewhere else by now, which would write its row whatever becomes of the other",
    () =>
      Effect.gen(function* () {
        yield* (yield* letterOf("eu_gone")).Write(new Write(command("write")))
        const rows = yield* rowsOf("eu_gone").pipe(
          Effect.repeat({ until: ({ length }) => length === 3, schedule: Schedule.spaced("20 millis") })
        )
        assert.deepStrictEqual(rows, ["0: Letter 1 Written", "1: Box 1 Dropped", "2: Letter 2 Posted"])
      })
  )

  it.effect("is not made where the receiver refuses: the step is sent like all others", () =>
    Effect.gen(function* () {
      const box = yield* boxOf("eu_full")
      yield* box.Drop(new Drop(command("another")))
      assert.strictEqual(yield* (yield* letterOf("eu_full")).Write(new Write(command("write"))), "Written ")
      assert.deepStrictEqual(yield* rowsOf("eu_full"), ["0: Box 1 Dropped", "1: Letter 1 Written"])
      yield* box.Empty(new Empty(command("empty")))
      const rows = yield* Effect.repeat(rowsOf("eu_full"), {
        until: ({ length }) => length === 5,
        schedule: Schedule.spaced("10 millis")
      })
      assert.deepStrictEqual(rows.slice(2), ["2: Box 2 Emptied", "3: Box 3 Dropped", "4: Letter 2 Posted"])
    })
  )

  it.effect("leaves nothing of a receiver whose answer was lost", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* (yield* letterOf("eu_strike")).Write(new Write(command("write"))), "Written ")
      const rows = yield* Effect.repeat(rowsOf("eu_strike"), {
        until: ({ length }) => length === 3,
        schedule: Schedule.spaced("10 millis")
      })
      assert.deepStrictEqual(rows, ["0: Letter 1 Written", "1: Box 1 Dropped", "2: Letter 2 Posted"])
    })
  )

  it.effect("takes the answer of a receiver that has done it already", () =>
    Effect.gen(function* () {
      yield* (yield* boxOf("eu_again")).Drop(new Drop(command("drop")))
      assert.strictEqual(yield* (yield* letterOf("eu_again")).Write(new Write(command("write"))), "Written Posted ")
      assert.deepStrictEqual(yield* rowsOf("eu_again"), ["0: Box 1 Dropped", "1: Letter 1 Written Posted"])
    })
  )

  it.effect("lets nothing of either be decided in between", () =>
    Effect.gen(function* () {
      const letter = yield* letterOf("eu_busy")
      const box = yield* boxOf("eu_busy")
      const writing = yield* Effect.forkChild(letter.Write(new Write(command("write"))), { startImmediately: true })
      const signing = yield* Effect.forkChild(letter.Sign(new Sign(command("sign"))), { startImmediately: true })
      const emptying = yield* Effect.forkChild(box.Empty(new Empty(command("empty"))), { startImmediately: true })
      assert.strictEqual(yield* Fiber.join(writing), "Written Posted ")
      assert.strictEqual(yield* Fiber.join(signing), "Written Posted Signed ")
      yield* Fiber.join(emptying)
      const rows = yield* rowsOf("eu_busy")
      assert.deepStrictEqual(
        rows.filter((row) => row.includes("Letter")).map((row) => row.slice(3)),
        ["Letter 1 Written Posted", "Letter 2 Signed"]
      )
      const transactionOf = (what: string) => rows.find((row) => row.endsWith(what))?.slice(0, 1)
      assert.strictEqual(transactionOf("Dropped"), transactionOf("Posted"))
    })
  )

  it.effect("holds its owner also while an earlier row is committed", () =>
    Effect.gen(function* () {
      const letter = yield* letterOf("eu_early")
      yield* letter.Sign(new Sign(command("first")))
      const all = yield* Effect.all(
        [
          letter.Sign(new Sign(command("second"))),
          letter.Write(new Write(command("write"))),
          ...Array.from({ length: 20 }, (_, n) => Effect.delay(letter.Sign(new Sign(command(`later${n}`))), n))
        ],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(all[1], "Signed Signed Written Posted ")
      const rows = (yield* rowsOf("eu_early")).filter((row) => row.includes("Letter")).map((row) => row.split(": ")[1])
      assert.deepStrictEqual(rows.slice(0, 4), [
        "Letter 1 Signed",
        "Letter 2 Signed",
        "Letter 3 Written Posted",
        "Letter 4 Signed"
      ])
    })
  )

  it.effect("is written whole by the next owner when its shard was taken", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const letter = yield* letterOf("eu_taken")
      const box = yield* boxOf("eu_taken")
      yield* letter.Sign(new Sign(command("sign")))
      yield* box.Empty(new Empty(command("empty")))
      yield* sql`SELECT count(*) FROM shard_epoch_raise((SELECT array_agg(shard) FROM shard_epoch), 'another')`
      const written = yield* Effect.retry(letter.Write(new Write(command("write"))), {
        schedule: Schedule.spaced("20 millis")
      })
      assert.strictEqual(written, "Signed Written Posted ")
      assert.deepStrictEqual((yield* rowsOf("eu_taken")).slice(2), ["2: Box 2 Dropped", "2: Letter 2 Written Posted"])
    })
  )
})
