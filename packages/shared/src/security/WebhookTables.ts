import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Whom we tell of what happens, and what they have been told, in a schema of its own of `halles_control`. */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE SCHEMA webhook`
  // Secrets are sealed with a key that the database never sees.
  yield* sql`
    CREATE TABLE webhook.endpoint (
      id text PRIMARY KEY,
      owner text NOT NULL,
      url text NOT NULL,
      description text NOT NULL,
      types text[] NOT NULL,
      secret bytea NOT NULL,
      previous_secret bytea,
      previous_until timestamptz,
      enabled boolean NOT NULL DEFAULT true,
      disabled_reason text,
      failing_since timestamptz,
      seq integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL DEFAULT now()
    )`
  yield* sql`CREATE INDEX endpoint_owner ON webhook.endpoint (owner, id)`
  yield* sql`
    CREATE TABLE webhook.delivery (
      endpoint_id text NOT NULL REFERENCES webhook.endpoint ON DELETE CASCADE,
      message_id text NOT NULL,
      type text NOT NULL,
      body text NOT NULL,
      state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
      attempts integer NOT NULL DEFAULT 0,
      due_at timestamptz NOT NULL DEFAULT now(),
      outcome text,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (endpoint_id, message_id)
    )`
  yield* sql`CREATE INDEX delivery_due ON webhook.delivery (endpoint_id, due_at) WHERE state = 'pending'`
  // A list goes on behind a delivery, whether or not it is of one state: both keys run the same way.
  yield* sql`CREATE INDEX delivery_listed ON webhook.delivery (endpoint_id, created_at, message_id)`
  yield* sql`CREATE INDEX delivery_dead ON webhook.delivery (endpoint_id, created_at, message_id) WHERE state = 'dead'`
  yield* sql`CREATE INDEX delivery_old ON webhook.delivery (created_at) WHERE state <> 'pending'`
})

/** The edge manages endpoints and asks for replays, as operators do; only the sender makes deliveries. Run at each provisioning. */
export const grants = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_edge') THEN
        GRANT USAGE ON SCHEMA webhook TO halles_edge;
        GRANT SELECT, INSERT, UPDATE, DELETE ON webhook.endpoint TO halles_edge;
        GRANT SELECT, UPDATE (state, attempts, due_at) ON webhook.delivery TO halles_edge;
        GRANT INSERT (endpoint_id, message_id, type, body) ON webhook.delivery TO halles_edge;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_ops') THEN
        GRANT USAGE ON SCHEMA webhook TO halles_ops;
        GRANT SELECT (id, url, enabled) ON webhook.endpoint TO halles_ops;
        GRANT SELECT (endpoint_id, message_id, type, state, attempts, due_at, outcome, created_at) ON webhook.delivery
          TO halles_ops;
        GRANT UPDATE (state, attempts, due_at) ON webhook.delivery TO halles_ops;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_webhooks') THEN
        GRANT USAGE ON SCHEMA webhook TO halles_webhooks;
        GRANT SELECT, UPDATE (enabled, disabled_reason, failing_since, seq) ON webhook.endpoint TO halles_webhooks;
        GRANT SELECT, INSERT, UPDATE, DELETE ON webhook.delivery TO halles_webhooks;
      END IF;
      -- What was given up, for alarms: not what it said, nor to whom.
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_reader') THEN
        GRANT USAGE ON SCHEMA webhook TO halles_reader;
        GRANT SELECT (endpoint_id, message_id, type, state, attempts, outcome, created_at) ON webhook.delivery TO halles_reader;
      END IF;
    END $$`
})
