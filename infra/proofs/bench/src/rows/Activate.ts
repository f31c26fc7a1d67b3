import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { copies } from "./Copies.ts"
import { receive, skuOf } from "./Durable.ts"
import { fixedWork } from "../Measure.ts"
import type { Measurement } from "../Measurement.ts"
import { Stage } from "../Stage.ts"

const row = "activate"
const inFlight = 256
/** Events in the snapshot, and events after it. */
const covered = 40
const tail = 10

/** What was to be loaded is not what lies in the database. */
class WrongPast extends Schema.TaggedError<WrongPast>()("WrongPast", { found: Schema.String }) {
  override get message(): string {
    return `wanted ${covered + tail} rows and a snapshot at ${covered}, found ${this.found}`
  }
}

/** Commands to the original from a runner that is stopped afterwards, by which it takes a snapshot of 20 new rows or more. */
const received = Effect.fnUntraced(function* (commands: number) {
  const stage = yield* Stage
  yield* stage.runner("eu-1")
  yield* Effect.gen(function* () {
    const send = yield* receive(row)
    for (let n = 0; n < commands; n++) yield* send(n, 1)
  }).pipe(Effect.provide(stage.client))
  yield* projected
}, Effect.scoped)

/** The read table has the original's newest row. */
const projected = Effect.gen(function* () {
  const { database } = yield* Stage
  const seen = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql`
      SELECT 1 FROM stock_view v WHERE v.id = ${skuOf(row, 0)}
        AND v.seq = (SELECT max(seq) FROM journal WHERE entity_type = 'Sku' AND entity_id = v.id)`
    if (rows.length === 0) return yield* Effect.fail("not yet" as const)
  })
  yield* Effect.eventually(Effect.delay(seen, 50)).pipe(Effect.timeout("20 seconds"), Effect.provide(database))
})

/** The first command to an entity that has a past and is in no memory: it is loaded, decides, and its event is committed. */
export const activate: Measurement = {
  rows: [row],
  run: Effect.fnUntraced(function* ({ quick, report }) {
    const stage = yield* Stage
    const warmUp = quick ? 3_000 : 12_000
    const operations = quick ? 6_000 : 30_000
    yield* received(covered)
    yield* received(tail)
    yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [past] = yield* sql<{ rows: number; snapshot: number }>`
        SELECT count(*)::int AS rows, (SELECT max(seq) FROM snapshot) AS snapshot FROM journal`
      if (past!.rows !== covered + tail || past!.snapshot !== covered) {
        return yield* new WrongPast({ found: JSON.stringify(past) })
      }
      const ids = Array.from({ length: warmUp + operations }, (_, n) => skuOf(row, n + 1))
      yield* copies(skuOf(row, 0), ids)
    }).pipe(Effect.provide([stage.database, stage.client]))
    yield* stage.runner("eu-1")
    const figures = yield* Effect.gen(function* () {
      const send = yield* receive(row)
      return yield* fixedWork({
        row,
        setting: `${operations} SKUs with ${covered + tail} events each, ${tail} of them after the snapshot, ${inFlight} in flight, one runner, fsync on`,
        inFlight,
        warmUp,
        operations,
        cpu: stage.cpu,
        operation: (n) => send(n + 1, Number.POSITIVE_INFINITY)
      })
    }).pipe(Effect.provide(stage.client))
    yield* report(row, figures)
  }, Effect.scoped)
}
