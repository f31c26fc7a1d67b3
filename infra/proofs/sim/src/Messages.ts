import { Outbox } from "@halles/engine/journal/Outbox"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import { follow } from "@halles/engine/projections/Follower"
import * as Projection from "@halles/engine/projections/Projection"
import * as ProjectionTables from "@halles/engine/projections/ProjectionTables"
import * as RegionTables from "@halles/engine/RegionTables"
import { Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Data, Effect, Fiber, Latch, Layer, Logger, Schedule } from "effect"
import { SqlClient } from "effect/sql"

type Named = readonly [type: string, id: string, seq: number]
const patience = "30 seconds"

/** Counts the events of an entity, so that a row which is folded twice, or not at all, shows. */
const counting: Projection.Projection = {
  name: "counted",
  version: 1,
  entityType: "Note",
  table: "counted_view",
  columns: { events: { type: "bigint", isNullable: false } },
  derived: {},
  indexes: {},
  cached: null,
  fold: (before, { events }) => ({ events: (before === null ? 0 : (before as Counted).events) + events.length })
}
interface Counted {
  readonly id: string
  readonly events: number
}

interface Batch {
  readonly first: string
  readonly last: string
}

/** Rows that were committed together by a runner that died before it published them. */
const commit = (rows: ReadonlyArray<Named>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const list = JSON.stringify(rows.map(([type, id, seq]) => ({ type, id, seq })))
    const [batch] = yield* sql<Batch>`
      WITH written AS (
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        SELECT type, id, seq, 'c' || seq, '[{"_tag":"Written"}]', '{"v":1}', 5, 1, now()
        FROM jsonb_to_recordset(${list}::text::jsonb) AS r(type text, id text, seq integer) RETURNING position)
      SELECT min(position)::text AS first, max(position)::text AS last FROM written`
    return batch!
  })

/** `again`: as an operator has it sent, under another id. */
const publish = ({ first, last }: Batch, again = false) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { sweep } = yield* Outbox
    yield* sql`INSERT INTO outbox_batch (runner, first_position, last_position)
      VALUES (${again ? "" : "eu-0"}, ${first}::text::bigint, ${last}::text::bigint)`
    yield* sweep({ olderThanMs: 0 })
  })

const stored = Effect.flatMap(Nats, (nats) =>
  Effect.promise(async () => {
    const answer = await nats.request(`$JS.API.STREAM.INFO.${Subject.eventStream("eu")}`)
    return answer.json<{ readonly state: { readonly messages: number } }>().state.messages
  })
)

const counted = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<Counted>`SELECT id, events::integer FROM counted_view ORDER BY id`, (rows) =>
    rows.map(({ events, id }) => `${id} ${events}`).join()
  )
)
const until = <A, E, R>(look: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  Effect.repeat(look, { until: holds, schedule: Schedule.spaced("20 millis") }).pipe(
    Effect.timeoutOrElse({ duration: patience, orElse: () => look })
  )
class Violated extends Data.TaggedError("Violated")<{ readonly what: string }> {}
const comesTo = (wanted: string, when: string) =>
  Effect.flatMap(
    until(counted, (found) => found === wanted),
    (found) =>
      found === wanted
        ? Effect.void
        : new Violated({ what: `${when} the table has ${found || "nothing"}, not ${wanted}` })
  )

const isBuilt = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql`SELECT FROM projection`, (rows) => rows.length === 1)
)
const waitsForLock = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    (rows) => rows.length > 0
  )
)

/** Begins a follower; what it gives ends it, in the middle of whatever it does. */
const begin = Effect.map(Effect.forkChild(follow("eu", counting)), Fiber.interrupt)

/** A message comes to the follower, which ends while it writes its rows. */
const crash = Effect.fnUntraced(function* (batch: Batch, end: Effect.Effect<void>) {
  const sql = yield* SqlClient.SqlClient
  const locked = Latch.makeUnsafe(false)
  const release = Latch.makeUnsafe(false)
  const lock = sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`LOCK TABLE counted_view IN ACCESS EXCLUSIVE MODE`
      yield* locked.open
      yield* release.await
    })
  )
  const locking = yield* Effect.forkChild(lock)
  yield* locked.await
  yield* publish(batch)
  yield* until(waitsForLock, (waits) => waits)
  yield* end
  yield* release.open
  yield* Fiber.join(locking)
})

const proving = Effect.gen(function* () {
  let end = yield* begin
  yield* until(isBuilt, (built) => built)
  const first = yield* commit([
    ["Cart", "eu_cart", 1],
    ["Note", "eu_a", 1],
    ["Note", "eu_b", 1],
    ["Order", "eu_a", 1],
    ["Note", "eu_a", 2]
  ])
  yield* publish(first)
  yield* comesTo("eu_a 2,eu_b 1", "after a message")
  yield* publish(first)
  const messages = yield* stored
  if (messages !== 1) {
    return yield* new Violated({ what: `a batch that is published again after a crash is in ${messages} messages` })
  }

  yield* publish(first, true)
  yield* publish(
    yield* commit([
      ["Note", "eu_b", 2],
      ["Note", "eu_a", 3]
    ])
  )
  yield* comesTo("eu_a 3,eu_b 2", "after a message that came twice")

  const rows: ReadonlyArray<Named> = [
    ["Note", "eu_a", 4],
    ["Note", "eu_c", 1],
    ["Note", "eu_b", 3],
    ["Note", "eu_a", 5]
  ]
  yield* crash(yield* commit(rows), end)
  // As far as another follower had come with the same message.
  const table = yield* Projection.make(counting)
  yield* table.apply(rows.slice(0, 2).map(([, id, seq]) => ({ id, seq, at: 1, events: [{ _tag: "Written" }] })))
  // What comes then is there before the server brings the first message again.
  yield* publish(yield* commit([["Note", "eu_d", 1]]))
  end = yield* begin
  yield* comesTo("eu_a 5,eu_b 3,eu_c 1,eu_d 1", "after a crash in the middle of a message")
  yield* end
})

const Servers = Layer.mergeAll(
  NatsTest.layerConnection("messages").pipe(Layer.provideMerge(NatsTest.layer)),
  Layer.effectDiscard(Effect.andThen(RegionTables.create(["Hot"]), ProjectionTables.ensure([counting]))).pipe(
    Layer.provideMerge(PgTest.layer("messages"))
  )
)

/**
 * On a real Postgres and NATS: the rows of a batch are one message of the stream, and a follower applies each of them once,
 * though a message is published again, comes again, or is half applied when its follower ends.
 */
export const run = Effect.provide(
  proving.pipe(
    Effect.as<ReadonlyArray<string>>([]),
    Effect.catchTag("Violated", ({ what }) => Effect.succeed([what]))
  ),
  Outbox.layer("eu").pipe(Layer.provide(ShardEpochs.layer("eu-1")), Layer.provideMerge(Servers))
).pipe(Effect.provide(Logger.layer([])))
