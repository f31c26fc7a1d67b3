import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * `journal_load` reads what entities are rebuilt from, many in one call: the newest snapshot of each and the first rows
 * after it, as `[seq, command id, events, version, Unix milliseconds]`. A function, so that the plan over all partitions
 * of the archive is made once a session and not once an entity.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE FUNCTION journal_load(types text[], ids text[], rows_max integer)
    RETURNS TABLE (n bigint, seq integer, version integer, state jsonb, commands text[], tail jsonb)
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
    BEGIN
      RETURN QUERY
        SELECT k.n, s.seq, s.version, s.state, s.commands, t.tail
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
})
