import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * What a runner reads at a time is bounded by bytes, whatever was written: a snapshot that is too large is as if there were
 * none, and of the entities of one load only so many are answered that their bytes stay within a bound (the first one at least);
 * the others are asked for again. Times that no clock shows are refused, since nobody can reckon with them.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    ALTER TABLE snapshot ADD COLUMN bytes integer NOT NULL GENERATED ALWAYS AS (octet_length(state::text)) STORED`
  yield* sql`ALTER TABLE journal ADD CONSTRAINT journal_at CHECK (isfinite(at))`
  yield* sql`ALTER TABLE timer ADD CONSTRAINT timer_due_at CHECK (isfinite(due_at))`

  yield* sql`DROP FUNCTION journal_load(text[], text[], integer, bigint)`
  yield* sql`
    CREATE FUNCTION journal_load(
      types text[], ids text[], rows_max integer, bytes_max bigint, state_max integer, all_max bigint)
    RETURNS TABLE (
      n bigint, seq integer, version integer, state jsonb, commands text[], tail jsonb, more boolean, parked boolean)
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
    DECLARE
      k record;
      size bigint;
      loaded bigint := 0;
    BEGIN
      FOR k IN SELECT u.t, u.i, u.o FROM unnest(types, ids) WITH ORDINALITY AS u(t, i, o) ORDER BY u.o LOOP
        SELECT s.seq, s.version, s.state, s.commands, r.tail, r.more, coalesce(s.bytes, 0) + r.size,
            EXISTS (SELECT FROM refused_entity p WHERE p.entity_type = k.t AND p.entity_id = k.i)
          INTO seq, version, state, commands, tail, more, size, parked
          FROM (VALUES (1)) AS one
          LEFT JOIN snapshot s ON s.entity_type = k.t AND s.entity_id = k.i AND s.bytes <= state_max
          CROSS JOIN LATERAL (
            SELECT
              jsonb_agg(jsonb_build_array(
                q.seq, q.command_id, q.events, q.meta->'v', round(extract(epoch FROM q.at) * 1000)) ORDER BY q.seq)
                FILTER (WHERE q.before < bytes_max) AS tail,
              coalesce(sum(q.bytes) FILTER (WHERE q.before < bytes_max), 0) AS size,
              count(*) = rows_max OR coalesce(bool_or(q.before >= bytes_max), false) AS more
            FROM (
              SELECT p.*, coalesce(
                sum(p.bytes) OVER (ORDER BY p.seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
              FROM (
                SELECT j.seq, j.command_id, j.events, j.meta, j.at, j.bytes FROM journal_all j
                WHERE j.entity_type = k.t AND j.entity_id = k.i AND j.seq > coalesce(s.seq, 0)
                ORDER BY j.seq LIMIT rows_max) p) q) r;
        loaded := loaded + size;
        EXIT WHEN loaded > all_max AND k.o > 1;
        n := k.o;
        RETURN NEXT;
      END LOOP;
    END $fn$`
})
