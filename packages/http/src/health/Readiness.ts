import { Nats } from "@halles/shared/clients/Nats"
import { regions } from "@halles/shared/Region"
import { RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { ReadinessJson } from "./HealthApi.ts"

/** A database that takes longer to answer `SELECT 1` is no use to anybody who waits. */
const answerMsMax = 1_000

/** Ready: messages and the list of runners are there, and at least one runner. A region without one is shown, not fatal. */
export const readiness: Effect.Effect<
  typeof ReadinessJson.Encoded,
  never,
  Nats | SqlClient.SqlClient | RunnerPresence
> = Effect.gen(function* () {
  const connection = yield* Nats
  const sql = yield* SqlClient.SqlClient
  const presence = yield* RunnerPresence
  const controlDatabase = yield* Effect.isSuccess(Effect.timeout(sql`SELECT 1`, answerMsMax))
  const nats = yield* Effect.isSuccess(
    Effect.timeout(
      Effect.tryPromise(() => connection.flush()),
      answerMsMax
    )
  )
  const alive = yield* presence.alive
  return {
    ready: nats && controlDatabase && alive.length > 0,
    nats,
    controlDatabase,
    regions: regions.map((region) => ({ region, runners: alive.filter((seen) => seen.region === region).length }))
  }
})
