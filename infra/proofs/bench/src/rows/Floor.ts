import { PgTypes } from "@effect/sql-pg"
import { Effect, Result } from "effect"
import { SqlClient } from "effect/sql"
import { closedLoop, type Figures, type Span } from "../Measure.ts"
import { Stage } from "../Stage.ts"

/** Statements in flight: a runner has as many writers. */
const lanes = 2
/** Entities, as in the durable row. */
const keys = 1_000
/** Rows and batches of the durable row that are looked at. */
const samplesMax = 20_000

const array = (values: ReadonlyArray<unknown>, oid: number) => Result.getOrThrow(PgTypes.array(values, oid))
const text = (values: ReadonlyArray<string>) => array(values, PgTypes.OID.text)
const int4 = (values: ReadonlyArray<number>) => array(values, PgTypes.OID.int4)
const float8 = (values: ReadonlyArray<number>) => array(values, PgTypes.OID.float8)

interface Sample {
  readonly entity_type: string
  readonly command_id: string
  readonly events: string
  readonly meta: string
}

/** The newest rows that the durable row wrote, and how many rows each of its newest transactions had. */
const observed = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<Sample>`
    SELECT entity_type, command_id, events::text AS events, meta::text AS meta
    FROM journal ORDER BY position DESC LIMIT ${samplesMax}`
  const batches = yield* sql<{ rows: number }>`
    SELECT count(*)::int AS rows
    FROM (SELECT xmin::text AS transaction FROM journal ORDER BY position DESC LIMIT ${samplesMax}) newest
    GROUP BY transaction`
  return { rows, batches: batches.map((batch) => batch.rows) }
})

/** One multi-row statement, its own transaction: the columns and indexes of the journal, nothing else of the engine. */
const insert = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return (batch: ReadonlyArray<Sample & { readonly id: string; readonly seq: number }>) => sql`
    INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
    SELECT t, i, s, c, e::jsonb, m::jsonb, h, p, to_timestamp(a / 1000)
    FROM unnest(
      ${text(batch.map((row) => row.entity_type))}, ${text(batch.map(({ id }) => id))},
      ${int4(batch.map(({ seq }) => seq))}, ${text(batch.map((row) => row.command_id))},
      ${text(batch.map(({ events }) => events))}, ${text(batch.map(({ meta }) => meta))},
      ${int4(batch.map(() => 1))}, ${int4(batch.map(() => 1))}, ${float8(batch.map(() => Date.now()))}
    ) AS r(t, i, s, c, e, m, h, p, a)`
})

/**
 * `durableFloor`: what the database and its driver give without the engine. The rows are copies of those that the durable
 * row has just written, in batches of the sizes that it had, over as many entities, in the same table.
 */
export const floor = (ours: Figures, span: Span) =>
  Effect.gen(function* () {
    const stage = yield* Stage
    return yield* Effect.gen(function* () {
      const { batches, rows } = yield* observed
      const write = yield* insert
      const run = Date.now().toString(36)
      const commandLength = rows[0]!.command_id.length
      let written = 0
      const rowAt = (place: number) => ({
        ...rows[place % rows.length]!,
        // As long as the original, and never twice.
        command_id: `${run}-${place}`.padEnd(commandLength, "x"),
        id: `eu_durableFloor-${place % keys}`,
        seq: 1 + Math.floor(place / keys)
      })
      const statements = yield* closedLoop({
        row: "durableFloor",
        setting: "",
        inFlight: lanes,
        span,
        cpu: stage.cpu,
        operation: (n) => {
          const first = written
          const size = batches[n % batches.length]!
          written += size
          return write(Array.from({ length: size }, (_, at) => rowAt(first + at)))
        }
      })
      const rowsPerStatement = batches.reduce((sum, size) => sum + size, 0) / batches.length
      const opsPerSecond = statements.opsPerSecond * rowsPerStatement
      const shares = Object.entries(statements.cpuMicrosByProcess)
      return {
        ...statements,
        opsPerSecond,
        cpuSecondsPerOp: statements.cpuSecondsPerOp / rowsPerStatement,
        cpuMicrosByProcess: Object.fromEntries(
          shares.map(([name, micros]) => [name, Math.round((micros / rowsPerStatement) * 10) / 10])
        ),
        operations: Math.round(statements.operations * rowsPerStatement),
        setting: `${keys} keys, ${lanes} statements in flight, as many rows each as durableUniform had; latencies are of statements`,
        extra: { ratio: ours.opsPerSecond / opsPerSecond, rowsPerStatement }
      } satisfies Figures
    }).pipe(Effect.provide(stage.database))
  })
