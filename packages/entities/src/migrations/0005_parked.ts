import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Entities that do nothing but die or hang: whoever loads one learns that it is parked, in the statement that reads its
 * history. `entity_resume` is the one way out, for operators; runners can only park.
 */
export default Effect.gen(function* () {
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
  yield* sql`REVOKE ALL ON FUNCTION entity_resume FROM PUBLIC`

  yield* sql`DROP FUNCTION journal_load`
  yield* sql`
    CREATE FUNCTION journal_load(types text[], ids text[], rows_max integer)
    RETURNS TABLE (n bigint, seq integer, version integer, state jsonb, commands text[], tail jsonb, parked boolean)
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
    BEGIN
      RETURN QUERY
        SELECT k.n, s.seq, s.version, s.state, s.commands, t.tail,
          EXISTS (SELECT FROM parked_entity p WHERE p.entity_type = k.t AND p.entity_id = k.i)
        FROM unnest(types, ids) WITH ORDINALITY AS k(t, i, n)
        LEFT JOIN snapshot s ON s.entity_type = k.t AND s.entity_id = k.i
        CROSS JOIN LATERAL (
          SELECT jsonb_agg(jsonb_build_array(
            r.seq, r.command_id, r.events, r.meta->'v', round(extract(epoch FROM r.at) * 1000)) ORDER BY r.seq) AS tail
          FROM (
            SELECT j.seq, j.command_id, j.events, j.meta, j.at FROM journal_all j
            WHERE j.entity_type = k.t AND j.entity_id = k.i AND j.seq > coalesce(s.seq, 0)
            ORDER BY j.seq LIMIT rows_max) r) t;
    END $fn$`

  yield* sql`
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_runner') THEN
        GRANT SELECT, INSERT ON parked_entity TO halles_runner;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_reader') THEN
        GRANT SELECT ON parked_entity TO halles_reader;
      END IF;
    END $$`
})
