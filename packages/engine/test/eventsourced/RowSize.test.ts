import { assert, layer } from "@effect/vitest"
import { commandFields } from "@halles/shared/Command"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId } from "@halles/shared/Ids"
import * as Shard from "@halles/shared/Shard"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Arbitrary, Effect, Layer, Result, Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"
import { Busy } from "@halles/engine/eventsourced/EntityErrors"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as EngineTables from "../EngineTables.ts"
import type { Model } from "@halles/engine/eventsourced/Model"
import * as TestCluster from "@halles/engine/testing/TestCluster"

const rowBytesMax = 10_000

const bounded = Layer.succeed(EventSourced.Bounds, {
  snapshotEvery: 200,
  snapshotEveryLength: 1_000_000,
  snapshotAtLeast: 20,
  recentMax: 256,
  rowBytesMax
})

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
  Layer.provide(bounded),
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

class Keep extends Schema.TaggedClass<Keep>()("Keep", {
  ...commandFields,
  text: Schema.String,
  late: Schema.Boolean
}) {}

const Shelf = Entity.make("Shelf", [Rpc.make("Keep", { payload: Keep, success: Schema.Int, error: Busy })])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

const Kept = Schema.TaggedStruct("Kept", { name: Schema.String, text: Schema.String, late: Schema.Boolean })
const shelf: Model<ReadonlyArray<string>, Keep, typeof Kept.Type, never> = {
  type: "Shelf",
  version: 1,
  Event: Kept,
  State: Schema.Array(Schema.String),
  initial: [],
  decide: (_, { commandId: name, late, text }) => Result.succeed([{ _tag: "Kept", name, text, late }]),
  evolve: (state, { name }) => [...state, name],
  isDeferred: (_, events) => events.every(({ late }) => late)
}
const ShelfLive = EventSourced.layer(Shelf, shelf, {
  id: Schema.String,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 64,
  handlers: { Keep: (self, payload) => Effect.map(self.handle(payload), ({ state }) => state.length) }
})

/** Of a row that has this alone. */
const bytesOf = ({ commandId: name, late, text }: Keep) =>
  Buffer.byteLength(JSON.stringify([{ _tag: "Kept", name, text, late }]))

const Size = Schema.Literals([1, 2_000, 4_000, 6_000, 9_000, 9_945, 9_946, 9_947, 9_948, 9_949, 12_000])
const Commands = Schema.Array(Schema.Struct({ size: Size, late: Schema.Boolean })).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(12)
)

layer(
  ShelfLive.pipe(
    Layer.provide(bounded),
    Layer.provideMerge(TestCluster.layer()),
    Layer.provide(EngineTables.layer),
    Layer.provideMerge(PgTest.layer("row_size_deferred"))
  ),
  { excludeTestServices: true, timeout: "60 seconds" }
)("deferred events", (it) => {
  it.effect(
    "that fit into a row are all written, in their order, and what does not fit is refused and nothing else is",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const shelves = yield* EntityClient.make(Shelf)
        const histories = yield* Arbitrary.sampleEffect(Arbitrary.schema(Commands), { count: 25, seed: 1 })
        const refusedOf = Effect.fnUntraced(function* (id: string, history: typeof Commands.Type) {
          const commands = history.map(
            ({ late, size }, at) =>
              new Keep({ commandId: CommandId.make(`k${String(at).padStart(2, "0")}`), text: "x".repeat(size), late })
          )
          const exits = yield* Effect.forEach(commands, (command) => Effect.exit(shelves(id).Keep(command)), {
            concurrency: "unbounded"
          })
          const rows = yield* sql<{ names: ReadonlyArray<string>; bytes: number }>`
          SELECT jsonb_path_query_array(events, '$[*].name') AS names, octet_length(events::text) AS bytes
          FROM journal WHERE entity_id = ${id} ORDER BY seq`
          const fit = commands.filter((command) => bytesOf(command) <= rowBytesMax)
          assert.deepStrictEqual(
            rows.flatMap(({ names }) => names),
            fit.map(({ commandId }) => commandId)
          )
          for (const [at, command] of commands.entries()) {
            assert.strictEqual(exits[at]!._tag === "Success", fit.includes(command), `${id} ${command.commandId}`)
          }
          return rows.some(({ names }) => names.length > 1) && fit.length < commands.length
        })
        const both = yield* Effect.forEach(histories, (history, at) => refusedOf(`eu_shelf${at}`, history), {
          concurrency: "unbounded"
        })
        assert.isTrue(both.some(Boolean), "nothing was deferred beside what was refused")
      })
  )
})
