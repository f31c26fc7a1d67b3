import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Entities in whose code a process stands still: nobody is to load them before it is known whether that process goes on. They
 * are refused like parked ones, for a while only, so that nothing has to be taken back when it was just slow.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

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

  yield* sql`
    CREATE OR REPLACE FUNCTION journal_load(types text[], ids text[], rows_max integer)
    RETURNS TABLE (n bigint, seq integer, version integer, state jsonb, commands text[], tail jsonb, parked boolean)
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
    BEGIN
      RETURN QUERY
        SELECT k.n, s.seq, s.version, s.state, s.commands, t.tail,
          EXISTS (SELECT FROM refused_entity p WHERE p.entity_type = k.t AND p.entity_id = k.i)
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
        GRANT SELECT, INSERT, UPDATE, DELETE ON quarantined_entity TO halles_runner;
        GRANT SELECT ON refused_entity TO halles_runner;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_reader') THEN
        GRANT SELECT ON quarantined_entity, refused_entity TO halles_reader;
      END IF;
    END $$`
})
