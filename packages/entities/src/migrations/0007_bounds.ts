import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * How large a row is, so that readers take so many bytes and not only so many rows, and a bound for whoever writes: the
 * shell refuses long before it. And events that somebody could not do with, set aside: `parked_event_retry` and
 * `parked_event_resolve` are the ways out, for operators.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const bytes = sql.literal("bytes integer NOT NULL GENERATED ALWAYS AS (octet_length(events::text)) STORED")
  yield* sql`ALTER TABLE journal ADD COLUMN ${bytes}, ADD CONSTRAINT journal_bytes CHECK (bytes <= 16777216)`
  yield* sql`ALTER TABLE events_archive ADD COLUMN ${bytes}`
  yield* sql`
    CREATE OR REPLACE VIEW journal_all AS
      SELECT position, entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at, bytes FROM journal
      UNION ALL
      SELECT position, entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at, bytes FROM events_archive`

  // The rows of a history up to so many bytes, and whether there are more; one at the least.
  yield* sql`DROP FUNCTION journal_load(text[], text[], integer)`
  yield* sql`
    CREATE FUNCTION journal_load(types text[], ids text[], rows_max integer, bytes_max bigint)
    RETURNS TABLE (
      n bigint, seq integer, version integer, state jsonb, commands text[], tail jsonb, more boolean, parked boolean)
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
    BEGIN
      RETURN QUERY
        SELECT k.n, s.seq, s.version, s.state, s.commands, t.tail, t.more,
          EXISTS (SELECT FROM refused_entity p WHERE p.entity_type = k.t AND p.entity_id = k.i)
        FROM unnest(types, ids) WITH ORDINALITY AS k(t, i, n)
        LEFT JOIN snapshot s ON s.entity_type = k.t AND s.entity_id = k.i
        CROSS JOIN LATERAL (
          SELECT
            jsonb_agg(jsonb_build_array(
              r.seq, r.command_id, r.events, r.meta->'v', round(extract(epoch FROM r.at) * 1000)) ORDER BY r.seq)
              FILTER (WHERE r.before < bytes_max) AS tail,
            count(*) = rows_max OR coalesce(bool_or(r.before >= bytes_max), false) AS more
          FROM (
            SELECT p.*, coalesce(
              sum(p.bytes) OVER (ORDER BY p.seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
            FROM (
              SELECT j.seq, j.command_id, j.events, j.meta, j.at, j.bytes FROM journal_all j
              WHERE j.entity_type = k.t AND j.entity_id = k.i AND j.seq > coalesce(s.seq, 0)
              ORDER BY j.seq LIMIT rows_max) p) r) t;
    END $fn$`

  // What happened in a row, without what it holds: whatever was written there.
  yield* sql`
    CREATE FUNCTION journal_tags(events jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $fn$
      SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('_tag', left(e->>'_tag', 100))), '[]')
      FROM jsonb_array_elements(CASE jsonb_typeof(events) WHEN 'array' THEN events ELSE '[]' END) e
      WHERE jsonb_typeof(e->'_tag') = 'string'
    $fn$`

  yield* sql`
    CREATE TABLE parked_event (
      consumer text NOT NULL,
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      seq integer NOT NULL,
      shard integer NOT NULL,
      cause text NOT NULL,
      tries integer NOT NULL,
      is_resolved boolean NOT NULL DEFAULT false,
      at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (consumer, entity_type, entity_id, seq)
    )`
  yield* sql`
    CREATE FUNCTION parked_event_retry(of_consumer text, of_type text, of_id text, of_seq integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
    BEGIN
      DELETE FROM parked_event p USING journal j
        WHERE p.consumer = of_consumer AND p.entity_type = of_type AND p.entity_id = of_id AND p.seq = of_seq
          AND NOT p.is_resolved
          AND j.entity_type = p.entity_type AND j.entity_id = p.entity_id AND j.seq = p.seq;
      IF NOT FOUND THEN RETURN false; END IF;
      -- No runner is at it, so the next sweep publishes it, under an id that the stream does not know.
      INSERT INTO outbox_batch (runner, first_position, last_position, at)
        SELECT '', j.position, j.position, now() - interval '1 minute' FROM journal j
        WHERE j.entity_type = of_type AND j.entity_id = of_id AND j.seq = of_seq;
      RETURN true;
    END $fn$`
  yield* sql`
    CREATE FUNCTION parked_event_resolve(of_consumer text, of_type text, of_id text, of_seq integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
    BEGIN
      UPDATE parked_event SET is_resolved = true
        WHERE consumer = of_consumer AND entity_type = of_type AND entity_id = of_id AND seq = of_seq
          AND NOT is_resolved;
      RETURN FOUND;
    END $fn$`
  yield* sql`
    REVOKE ALL ON FUNCTION parked_event_retry(text, text, text, integer),
      parked_event_resolve(text, text, text, integer) FROM PUBLIC`

  yield* sql`
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_runner') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON parked_event TO halles_runner;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_reader') THEN
        GRANT SELECT ON parked_event TO halles_reader;
      END IF;
    END $$`
})
