import { grant } from "@halles/shared/security/Grant"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Entities that do nothing but die or hang: whoever loads one learns that it is parked, in the statement that reads its
 * history. `entity_resume` is the one way out, for operators; runners can only park.
 */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE parked_entity (
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      shard integer NOT NULL,
      cause text NOT NULL,
      tries integer NOT NULL,
      runner text NOT NULL,
      at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (entity_type, entity_id)
    )`
  yield* sql`CREATE INDEX parked_entity_shard ON parked_entity (shard)`
  yield* sql`
    CREATE FUNCTION entity_resume(resumed_type text, resumed_id text) RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
      WITH gone AS (
        DELETE FROM parked_entity WHERE entity_type = resumed_type AND entity_id = resumed_id RETURNING 1)
      SELECT EXISTS (SELECT FROM gone)
    $fn$`

  // Entities in whose code a process stands still: nobody is to load them before it is known whether that process goes on.
  // They are refused like parked ones, for a while only, so that nothing has to be taken back when it was just slow.
  yield* sql`
    CREATE TABLE quarantined_entity (
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      shard integer NOT NULL,
      cause text NOT NULL,
      runner text NOT NULL,
      at timestamptz NOT NULL DEFAULT now(),
      until timestamptz NOT NULL,
      PRIMARY KEY (entity_type, entity_id)
    )`
  yield* sql`
    CREATE VIEW refused_entity AS
      SELECT entity_type, entity_id, shard, cause, tries, runner, at FROM parked_entity
      UNION ALL
      SELECT entity_type, entity_id, shard, cause, 1, runner, at FROM quarantined_entity WHERE until > now()`

  yield* grant(
    "halles_runner",
    "SELECT, INSERT ON parked_entity",
    "SELECT, INSERT, UPDATE, DELETE ON quarantined_entity",
    "SELECT ON refused_entity"
  )
  yield* grant("halles_reader", "SELECT ON parked_entity, quarantined_entity, refused_entity")
})
