import { Effect } from "effect"
import { Migrator, SqlClient } from "effect/sql"
import identity from "./migrations/0001_identity.ts"
import owners from "./migrations/0002_owners.ts"
import vouchedFactors from "./migrations/0003_vouched_factors.ts"

/** Schema `identity` of `halles_control`, and what its role may do: its own rows, and reading where shards are. */
export const migrateIdentity = Effect.gen(function* () {
  yield* Migrator.make({})({
    loader: Migrator.fromRecord({
      "0001_identity": identity,
      "0002_owners": owners,
      "0003_vouched_factors": vouchedFactors
    }),
    table: "identity_migrations"
  })
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_identity') THEN
        GRANT USAGE ON SCHEMA identity TO halles_identity;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA identity TO halles_identity;
      END IF;
    END $$`
})
