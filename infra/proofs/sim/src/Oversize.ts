import { OpenCart, PutLine } from "@halles/entities/cart/Cart"
import type { SaleLine } from "@halles/entities/sale/Sale"
import * as CartState from "@halles/entities/cart/CartState"
import { Busy } from "@halles/engine/eventsourced/EntityErrors"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { layerRegion } from "@halles/entities/Migrations"
import type { Model } from "@halles/engine/eventsourced/Model"
import { rowsOf } from "@halles/engine/journal/EventMessage"
import { Outbox } from "@halles/engine/journal/Outbox"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { commandFields } from "@halles/shared/Command"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId, SkuCode } from "@halles/shared/Ids"
import { Nats } from "@halles/shared/clients/Nats"
import * as Shard from "@halles/shared/Shard"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Exit, Layer, Logger, Result, Schedule, Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"

type Violations = ReadonlyArray<string>
const patience = "25 seconds"
const stream = Subject.eventStream("eu")

/** Asks JetStream as its clients do. */
const api = (what: string, body: unknown) =>
  Effect.flatMap(Nats, (nats) =>
    Effect.promise(async () => {
      const answer = await nats.request(`$JS.API.STREAM.${what}.${stream}`, JSON.stringify(body))
      return answer.json<Answer>()
    })
  )
interface Answer {
  readonly config: object
  readonly state: { readonly last_seq: number }
  readonly message: { readonly data: string }
}

/** Rows of an entity, from a seq on, that a runner which is gone committed together and left unpublished. */
const leave = (type: string, id: string, seq: number, ...rows: ReadonlyArray<unknown>) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      WITH j AS (
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        SELECT ${type}, ${id}, n, 'c' || n, events, '{"v":1}', 5, 1, now() FROM (
          SELECT ${seq}::integer - 1 + at AS n, events
          FROM jsonb_array_elements(${JSON.stringify(rows)}::text::jsonb) WITH ORDINALITY AS r(events, at)) r
        RETURNING position)
      INSERT INTO outbox_batch (runner, first_position, last_position, at)
      SELECT 'eu-0', min(position), max(position), now() - interval '1 hour' FROM j`
  )

/** What the stream refuses, what fits in no subject and what is larger than the bus, among what is none of it. */
const publishing = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { sweep } = yield* Outbox
  const { config } = yield* api("INFO", {})
  yield* api("UPDATE", { ...config, max_msg_size: 20_000 })
  const small = [{ _tag: "A" }]
  yield* leave("Cart", "eu_before", 1, small)
  yield* leave("Order", "eu_large", 1, [{ _tag: "Placed", text: "x".repeat(2_000_000) }])
  yield* leave("Cart", "eu_mixed", 1, small, [{ _tag: "A", text: "x".repeat(30_000) }], small)
  yield* leave("Cart", "eu_no subject", 1, small)
  yield* leave("Cart", "eu_after", 1, small)
  const swept = yield* Effect.exit(Effect.timeout(sweep({ olderThanMs: 0 }), patience))
  const { state } = yield* api("INFO", {})
  const seqs = Array.from({ length: state.last_seq }, (_, index) => index + 1)
  const messages = yield* Effect.forEach(seqs, (seq) => api("MSG.GET", { seq }))
  const told = messages.flatMap(({ message }) => rowsOf(Buffer.from(message.data, "base64").toString()))
  const [left] = yield* sql<{ count: number }>`SELECT count(*)::int AS count FROM outbox_batch`
  const parked = yield* sql<{ name: string }>`
    SELECT entity_id || ' ' || seq AS name FROM parked_event WHERE consumer = 'outbox' ORDER BY 1`
  const counted = [...Map.groupBy(told, ({ id }) => id)].map(([id, rows]) => `${id} ${rows.length}`)
  const wanted = ["eu_after 1", "eu_before 1", "eu_large 1", "eu_mixed 2"]
  const aside = ["eu_mixed 2", "eu_no subject 1"]
  const wrong: Array<string> = []
  if (Exit.isFailure(swept)) wrong.push("what cannot be published holds up the sweep")
  if (left!.count > 0) wrong.push(`${left!.count} batches stay unpublished`)
  if (counted.toSorted().join() !== wanted.join())
    wrong.push(`the stream has ${counted.toSorted().join()}, not ${wanted.join()}`)
  const set = parked.map(({ name }) => name)
  if (set.join() !== aside.join()) wrong.push(`set aside are ${set.join()}, not ${aside.join()}`)
  return wrong
})

/** Within this time, also on a busy machine, an outbox that strikes a marker off too early has done so. */
const earlyWithin = "3 seconds"

/** The outbox keeps the marker of a batch until the stream has the batch, and has no other batch delete it before. */
const marking = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { kill, start } = yield* NatsTest
  const { published, publishUnsafe, settled } = yield* Outbox
  yield* kill
  yield* leave("Cart", "eu_marked", 1, [{ _tag: "A" }])
  const [row] = yield* sql<{ batch: bigint; position: bigint }>`
    UPDATE outbox_batch SET at = now() RETURNING id AS batch, first_position AS position`
  const lease = { entityType: "Cart", entityId: "eu_marked", shard: 5, epoch: 1, dead: false }
  const entry = { lease, seq: 1, commandId: "c1", events: "[]", meta: "{}", at: 1, dueAt: undefined }
  publishUnsafe({ batch: row!.batch, entries: [{ ...entry, onCommit: () => undefined, position: row!.position }] })
  const early = yield* Effect.sync(published.take).pipe(
    Effect.repeat({ until: (batches) => batches.length > 0, schedule: Schedule.spaced("50 millis") }),
    Effect.timeoutOrElse({ duration: earlyWithin, orElse: () => Effect.succeed([]) })
  )
  yield* start
  const settling = yield* Effect.exit(Effect.timeout(settled, patience))
  const [left] = yield* sql<{ count: number }>`SELECT count(*)::int AS count FROM outbox_batch`
  const wrong: Array<string> = []
  if (early.length > 0) wrong.push("the marker of a batch is struck off before the stream has the batch")
  if (Exit.isFailure(settling) || left!.count > 0) wrong.push("a batch that is published keeps its marker")
  return wrong
})

class Write extends Schema.TaggedClass<Write>()("Write", { ...commandFields, text: Schema.String }) {}
const Note = Entity.make("Note", [Rpc.make("Write", { payload: Write, success: Schema.Int, error: Busy })])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)
const Written = Schema.TaggedStruct("Written", { text: Schema.String })
const model: Model<{ readonly length: number }, Write, typeof Written.Type, never> = {
  type: "Note",
  version: 1,
  Event: Written,
  State: Schema.Struct({ length: Schema.Int }),
  initial: { length: 0 },
  decide: (_, { text }) => Result.succeed([{ _tag: "Written", text }]),
  evolve: (_, { text }) => ({ length: text.length })
}
const rowBytesMax = 10_000
const NoteLive = EventSourced.layer(Note, model, {
  id: Schema.String,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 64,
  handlers: {
    Write: (self, payload) => Effect.map(self.handle(payload), ({ state }) => state.length)
  }
})

/** A row of as many signs as may be bytes: three times too large. */
const writing = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const note = (yield* EntityClient.make(Note))("eu_note")
  const text = "茶".repeat(rowBytesMax / 2)
  yield* Effect.exit(Effect.timeout(note.Write(new Write({ commandId: CommandId.make("c1"), text })), patience))
  const [row] = yield* sql<{ bytes: number | null }>`SELECT max(bytes) AS bytes FROM journal WHERE entity_type = 'Note'`
  const bytes = row!.bytes ?? 0
  return bytes > rowBytesMax ? [`a row of ${bytes} bytes is in the journal, ${rowBytesMax} are the bound`] : []
})

/** A cart whose lines come to all the bytes that it may have. */
const filling = Effect.sync((): Violations => {
  const opening = new OpenCart({ commandId: CommandId.make("c1"), currency: "GBP", pricing: "shop" })
  const opened = Result.getOrThrow(CartState.decide(CartState.initial, opening, 1)).reduce(
    CartState.evolve,
    CartState.initial
  )
  const title = "\u0007".repeat(300)
  const lineOf = (index: number): SaleLine => ({
    sku: SkuCode.make(`${"S".repeat(35)}${String(index).padStart(5, "0")}`),
    variant: "v".repeat(16),
    title,
    quantity: 1,
    unitPrice: 1,
    taxRate: 0
  })
  const lines = Array.from({ length: 1_650 }, (_, index) => lineOf(index))
  const { quantity, sku, variant } = lineOf(1_700)
  const listing = { title, price: { amount: 1, currency: "GBP", taxRate: 0 } } as const
  const put = new PutLine({ commandId: CommandId.make("c2"), sku, variant, quantity, listing }, { disableChecks: true })
  const decided = CartState.decide({ ...opened, lines } as CartState.State, put, 1)
  return Result.isFailure(decided) ? [] : ["a cart takes a line beyond its bytes"]
})

const Servers = Layer.mergeAll(
  NatsTest.layerConnection("oversize").pipe(Layer.provideMerge(NatsTest.layer)),
  layerRegion.pipe(Layer.provideMerge(PgTest.layer("oversize")))
)
const Bounds = Layer.succeed(EventSourced.Bounds, {
  snapshotEvery: 200,
  snapshotEveryLength: 1_000_000,
  snapshotAtLeast: 20,
  recentMax: 256,
  rowBytesMax
})
const published = Effect.provide(
  Effect.map(Effect.all([publishing, marking]), (all) => all.flat()),
  Outbox.layer("eu").pipe(Layer.provide(ShardEpochs.layer("eu-1")), Layer.provideMerge(Servers))
)
const written = Effect.provide(
  writing,
  NoteLive.pipe(
    Layer.provide(Bounds),
    Layer.provideMerge(TestCluster.layer()),
    Layer.provideMerge(layerRegion.pipe(Layer.provideMerge(PgTest.layer("oversize_rows"))))
  )
)

/** On a real Postgres and NATS: what is larger than a row, a cart, a message or the stream's own bound, and what must go on beside it. */
export const run = Effect.map(
  Effect.all([filling, published, written], { concurrency: "unbounded" }),
  (all): Violations => all.flat()
).pipe(Effect.provide(Logger.layer([])))
