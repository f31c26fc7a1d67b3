import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Keys of partners, by their digests, in a schema of their own of `halles_control`. */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE SCHEMA partner`
  yield* sql`
    CREATE TABLE partner.key (
      id text PRIMARY KEY,
      partner text NOT NULL,
      name text NOT NULL,
      digest bytea NOT NULL,
      scopes text[] NOT NULL,
      rate_class text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      created_by text NOT NULL,
      expires_at timestamptz NOT NULL,
      last_used_at timestamptz,
      revoked_at timestamptz,
      replaces text
    )`
  yield* sql`CREATE INDEX key_partner ON partner.key (partner, id)`
})

/** The edge makes keys, ends them and notes their use; what a key may do is never changed. Run at each provisioning. */
export const grants = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_edge') THEN
        GRANT USAGE ON SCHEMA partner TO halles_edge;
        GRANT SELECT, INSERT, DELETE, UPDATE (last_used_at, expires_at, revoked_at) ON partner.key TO halles_edge;
      END IF;
    END $$`
})
