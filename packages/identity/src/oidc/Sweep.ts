import { Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { AuthorizationServer } from "./AuthorizationServer.ts"
import { SigningKeys } from "./SigningKeys.ts"

/** Rows of one statement; the next one takes more, until there are none: a bound a round would be one for whoever makes them. */
const rowsMax = 5_000

/** Once a minute: what has expired goes, and a signing key that is old is replaced. */
export const SweepLive = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const keys = yield* SigningKeys
    const { refresh } = yield* AuthorizationServer
    yield* Effect.gen(function* () {
      yield* deleteExpired
      yield* sql`
        DELETE FROM identity.session_device d WHERE seen_at < now() - interval '1 hour'
          AND NOT EXISTS (SELECT FROM identity.artifact a WHERE a.uid = d.uid)`
      yield* keys.sweep
      yield* refresh
    }).pipe(
      Effect.catch((error) => Effect.logWarning("expired rows were not swept", error)),
      Effect.repeat(Schedule.spaced("1 minute")),
      Effect.forkScoped
    )
  })
)

/** All that has expired of what is kept for a while. */
export const deleteExpired = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const table of [sql.literal("identity.artifact"), sql.literal("identity.pending")]) {
    const some = sql<{ gone: bigint }>`
      WITH gone AS (
        DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE expires_at < now() LIMIT ${rowsMax}))
        RETURNING 1)
      SELECT count(*) AS gone FROM gone`
    yield* Effect.repeat(some, { while: ([row]) => Number(row?.gone ?? 0) === rowsMax })
  }
})
