import { assert, layer } from "@effect/vitest"
import { commandFields } from "@halles/shared/Command"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId } from "@halles/shared/Ids"
import * as Shard from "@halles/shared/Shard"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer, Result, Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"
import { Busy } from "@halles/engine/eventsourced/EntityErrors"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as EngineTables from "./EngineTables.ts"
import type { Model } from "@halles/engine/eventsourced/Model"
import * as TestCluster from "@halles/engine/testing/TestCluster"

const rowBytesMax = 10_000

class Write extends Schema.TaggedClass<Write>()("Write", { ...commandFields, text: Schema.String }) {}

const Note = Entity.make("Note", [
  Rpc.make("Write", { payload: Write, success: Schema.Int, error: Busy }),
  Rpc.make("Read", { success: Schema.String })
])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

const Written = Schema.TaggedStruct("Written", { text: Schema.String })
const model: Model<{ text: string }, Write, typeof Written.Type, never> = {
  type: "Note",
  version: 1,
  Event: Written,
  State: Schema.Struct({ text: Schema.String }),
  initial: { text: "" },
  decide: (_, { text }) => Result.succeed([{ _tag: "Written", text }]),
  evolve: (_, { text }) => ({ text })
}
const NoteLive = EventSourced.layer(Note, model, {
  id: Schema.String,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 64,
  handlers: {
    Write: (self, payload) => Effect.map(self.handle(payload), ({ state }) => state.text.length),
    Read: (self) => Effect.map(self.committed, ({ state }) => state.text)
  }
})

const Test = NoteLive.pipe(
  Layer.provide(
    Layer.succeed(EventSourced.Bounds, {
      snapshotEvery: 200,
      snapshotEveryLength: 1_000_000,
      snapshotAtLeast: 20,
      recentMax: 256,
      rowBytesMax
    })
  ),
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(EngineTables.layer),
  Layer.provideMerge(PgTest.layer("row_size"))
)

const write = (commandId: string, text: string) => new Write({ commandId: CommandId.make(commandId), text })

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("a row that would be too large", (it) => {
  it.effect(
    "is refused with a reason by bytes and not by characters, writes nothing, and leaves the entity as it was",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const note = (yield* EntityClient.make(Note))("eu_a")
        const besides = JSON.stringify([{ _tag: "Written", text: "" }]).length
        const signs = Math.floor((rowBytesMax - besides) / 3)
        assert.strictEqual(yield* note.Write(write("fits", "茶".repeat(signs))), signs)
        for (const text of ["茶".repeat(signs + 1), '"'.repeat(rowBytesMax / 2), "x".repeat(1_000_000)]) {
          const refused: Effect.Effect<unknown, unknown> = note.Write(write("over", text))
          assert.deepInclude(yield* Effect.flip(refused), { _tag: "TooLarge", entity: "Note/eu_a" })
        }
        assert.strictEqual(yield* note.Read(), "茶".repeat(signs))
        // Many at once: none of them stands in the way of those that fit.
        const many = Array.from({ length: 40 }, (_, index) =>
          Effect.exit(note.Write(write(`m${index}`, "y".repeat(index % 2 === 0 ? 1 : 20_000))))
        )
        const exits = yield* Effect.all(many, { concurrency: "unbounded" })
        assert.strictEqual(exits.filter(({ _tag }) => _tag === "Success").length, 20)
        const rows = yield* sql<{ count: number }>`SELECT count(*)::int AS count FROM journal WHERE entity_id = 'eu_a'`
        assert.strictEqual(rows[0]!.count, 21)
        assert.strictEqual(yield* note.Write(write("over", "fits now")), 8, "what was refused used up no command id")
      })
  )

  it.effect("is refused by the database as well, whoever writes it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const insert = (bytes: number) => sql`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES ('Note', 'eu_b', 1, 'c', jsonb_build_array(repeat('x', ${bytes})), '{}', 1, 1, now())`
      const error = yield* Effect.flip(insert(16 * 1024 ** 2))
      assert.strictEqual(error.reason._tag, "ConstraintError")
      yield* insert(15 * 1024 ** 2)
    })
  )
})
