import { Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { AuthorizationServer } from "./AuthorizationServer.ts"
import { SigningKeys } from "./SigningKeys.ts"

/** Rows of one statement; more wait for the next round. */
const rowsMax = 5_000

/** Once a minute: what has expired goes, and a signing key that is old is replaced. */
export const SweepLive = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const keys = yield* SigningKeys
    const { refresh } = yield* AuthorizationServer
    yield* Effect.gen(function* () {
      yield* sql`
        DELETE FROM identity.artifact WHERE ctid = ANY(ARRAY(
          SELECT ctid FROM identity.artifact WHERE expires_at < now() LIMIT ${rowsMax}))`
      yield* sql`
        DELETE FROM identity.pending WHERE ctid = ANY(ARRAY(
          SELECT ctid FROM identity.pending WHERE expires_at < now() LIMIT ${rowsMax}))`
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
