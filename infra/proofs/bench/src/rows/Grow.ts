import { runnerPort } from "@halles/infra/cluster/Ports"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { copies } from "./Copies.ts"
import { receive, receiving, skuOf } from "./Durable.ts"
import type { Measurement } from "../Measurement.ts"
import * as RunnerMetrics from "../RunnerMetrics.ts"
import { Stage } from "../Stage.ts"

const few = 1_000
/** Rows of each entity that fills the journal. */
const rowsEach = 50
const inFlight = 256

/** One command to each, so that all of them are in memory. */
const awoken = Effect.fnUntraced(function* (row: string, keys: number) {
  const send = yield* receive(row)
  yield* Effect.forEach(Array.from({ length: keys }).keys(), (n) => send(n, keys), {
    concurrency: inFlight,
    discard: true
  })
})

/** Commands to one entity, to be copied. */
const original = Effect.fnUntraced(function* (row: string) {
  const send = yield* receive(row)
  for (let n = 0; n < rowsEach; n++) yield* send(n, 1)
})

const rowsOfJournal = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ rows: number }>`SELECT count(*)::int AS rows FROM journal`
  return row!.rows
})

/**
 * What the durable command costs with 1,000 entities in memory and an empty journal, with 200 times as many entities, and
 * with a long journal under a runner that has just started, as the first one had.
 */
export const grow: Measurement = {
  rows: ["grow"],
  run: Effect.fnUntraced(function* ({ quick, report, span: { measureMs, warmUpMs } }) {
    // Figures of this row are compared with each other: each is as warm as the others, and three spans are long enough.
    const span = { measureMs, warmUpMs: warmUpMs / 3 }
    const stage = yield* Stage
    const metrics = runnerPort(stage.parts.layout.portBase, 1)
    const many = quick ? 20_000 : 200_000
    const long = quick ? 300_000 : 5_000_000
    const withRunner = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.andThen(stage.runner("eu-1"), Effect.provide(effect, stage.client)).pipe(Effect.scoped)

    const [small, wide] = yield* withRunner(
      Effect.gen(function* () {
        yield* awoken("growFew", few)
        const small = yield* receiving("growFew", few, span)
        yield* awoken("growMany", many)
        yield* RunnerMetrics.caughtUp(metrics)
        const wide = yield* receiving("growMany", many, span)
        yield* original("growLong")
        return [small, wide] as const
      })
    )
    const rows = yield* Effect.gen(function* () {
      const missing = Math.ceil((long - (yield* rowsOfJournal)) / rowsEach)
      const ids = Array.from({ length: missing }, (_, n) => skuOf("growLong", n + 1))
      yield* copies(skuOf("growLong", 0), ids)
      return yield* rowsOfJournal
    }).pipe(Effect.provide([stage.database, stage.client]))
    const deep = yield* withRunner(Effect.andThen(awoken("growDeep", few), receiving("growDeep", few, span)))
    yield* report("grow", {
      ...wide,
      setting:
        `${inFlight} in flight, one runner, fsync on; the figures of the row are with ${many} entities; ratios are of CPU ` +
        `per operation: against ${few} entities, and ${few} entities with a journal of ${rows} rows against an empty one`,
      extra: {
        entitiesRatio: wide.cpuSecondsPerOp / small.cpuSecondsPerOp,
        journalRatio: deep.cpuSecondsPerOp / small.cpuSecondsPerOp,
        cpuSecondsPerOpFew: small.cpuSecondsPerOp,
        opsPerSecondFew: small.opsPerSecond,
        cpuSecondsPerOpDeep: deep.cpuSecondsPerOp,
        opsPerSecondDeep: deep.opsPerSecond,
        entities: many,
        journalRows: rows
      }
    })
  })
}
