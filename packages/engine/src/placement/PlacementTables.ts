import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { regions, shardsPerRegion } from "@halles/shared/Region"

/** Which runner is to have which shard, the plans of moves, and the runners that are to have none: for `halles_control`. */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE shard_placement (
      region text NOT NULL,
      shard integer NOT NULL,
      runner text,
      holder text,
      held_since timestamptz,
      PRIMARY KEY (region, shard)
    )`
  yield* sql`
    INSERT INTO shard_placement (region, shard)
    SELECT region, shard FROM unnest(${[...regions]}::text[]) AS region, generate_series(1, ${shardsPerRegion}::int) AS shard`
  yield* sql`
    CREATE TABLE shard_move (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      region text NOT NULL,
      shard integer NOT NULL,
      from_runner text,
      to_runner text NOT NULL,
      reason text NOT NULL,
      planned_at timestamptz NOT NULL DEFAULT now(),
      started_at timestamptz
    )`
  yield* sql`CREATE INDEX shard_move_planned ON shard_move (region, shard) WHERE started_at IS NULL`
  yield* sql`
    CREATE TABLE runner_leaving (
      runner text NOT NULL,
      wish text NOT NULL CHECK (wish IN ('operator', 'stopping')),
      at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (runner, wish)
    )`
  yield* sql`
    CREATE TABLE shard_pin (
      region text NOT NULL,
      shard integer NOT NULL,
      runner text NOT NULL,
      at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (region, shard)
    )`

  // Nobody writes these tables but by functions of their owner, and a runner's login for its own region only: `session_user`
  // is who signed in, whatever role was set since. Who may change a table directly may also lock all of it.
  yield* sql`
    CREATE FUNCTION placement_require(of_region text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $fn$
    BEGIN
      IF starts_with(session_user, 'halles_runner_') AND right(session_user, 2) <> of_region THEN
        RAISE insufficient_privilege USING MESSAGE = 'this login is another region''s';
      END IF;
    END $fn$`
  const define = (signature: string, returns: string, body: string) =>
    sql.unsafe(`
      CREATE FUNCTION ${signature} RETURNS ${returns} LANGUAGE plpgsql VOLATILE
      SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $fn$ BEGIN ${body} END $fn$`)
  // One statement, since every shard of a dead runner waits for it; what another mover was faster with is left out.
  yield* define(
    "placement_move(of_region text, moves jsonb, of_reason text)",
    "void",
    `
      PERFORM placement_require(of_region);
      WITH moved AS (
        UPDATE shard_placement AS p SET runner = m."to"
        FROM jsonb_to_recordset(moves) AS m(shard integer, "from" text, "to" text)
        WHERE p.region = of_region AND p.shard = m.shard AND p.runner IS NOT DISTINCT FROM m."from"
        RETURNING m.shard, m."from", m."to"
      ), started AS (
        UPDATE shard_move s SET started_at = now() FROM moved
        WHERE s.region = of_region AND s.started_at IS NULL AND s.shard = moved.shard AND s.to_runner = moved."to"
        RETURNING s.shard
      )
      INSERT INTO shard_move (region, shard, from_runner, to_runner, reason, started_at)
      SELECT of_region, m.shard, m."from", m."to", of_reason, now() FROM moved m
      WHERE m.shard NOT IN (SELECT s.shard FROM started s);`
  )
  // A plan replaces what an earlier one has not begun.
  yield* define(
    "placement_plan(of_region text, moves jsonb, of_reason text, kept interval)",
    "void",
    `
      PERFORM placement_require(of_region);
      DELETE FROM shard_move m
        WHERE m.region = of_region AND (m.started_at IS NULL OR m.planned_at < now() - kept);
      INSERT INTO shard_move (region, shard, from_runner, to_runner, reason)
      SELECT of_region, m.shard, m."from", m."to", of_reason
      FROM jsonb_to_recordset(moves) AS m(shard integer, "from" text, "to" text);`
  )
  yield* define(
    "placement_taken(of_region text, by_runner text, shards integer[])",
    "void",
    `
      PERFORM placement_require(of_region);
      UPDATE shard_placement p SET holder = by_runner, held_since = now()
        WHERE p.region = of_region AND p.shard = ANY(shards);`
  )
  yield* define(
    "placement_leave(of_runner text, of_wish text)",
    "void",
    `
      PERFORM placement_require(left(of_runner, 2));
      INSERT INTO runner_leaving (runner, wish) VALUES (of_runner, of_wish) ON CONFLICT DO NOTHING;`
  )
  // Of several at the same time the last one sees what the others did.
  yield* define(
    "placement_drain(of_runner text, others text[])",
    "boolean",
    `
      PERFORM placement_require(left(of_runner, 2));
      PERFORM pg_advisory_xact_lock(7303, 0);
      IF NOT EXISTS (
        SELECT FROM unnest(others) AS other WHERE other NOT IN (SELECT l.runner FROM runner_leaving l)
      ) THEN RETURN false; END IF;
      INSERT INTO runner_leaving (runner, wish) VALUES (of_runner, 'operator') ON CONFLICT DO NOTHING;
      RETURN true;`
  )
  yield* define(
    "placement_stay(of_runner text, of_wish text)",
    "void",
    `
      PERFORM placement_require(left(of_runner, 2));
      DELETE FROM runner_leaving l WHERE l.runner = of_runner AND l.wish = of_wish;`
  )
  yield* define(
    "placement_pin(of_region text, of_shard integer, to_runner text)",
    "void",
    `
      INSERT INTO shard_pin (region, shard, runner) VALUES (of_region, of_shard, to_runner)
      ON CONFLICT (region, shard) DO UPDATE SET runner = excluded.runner, at = now();`
  )
  yield* define(
    "placement_unpin(of_region text, of_shard integer)",
    "boolean",
    `
      DELETE FROM shard_pin p WHERE p.region = of_region AND p.shard = of_shard;
      RETURN FOUND;`
  )
})

/** Every process may read where shards are; runners move those of their region, operators state wishes. Run at each provisioning. */
export const grants = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    DO $$ DECLARE name text; BEGIN
      REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
      FOR name IN SELECT rolname FROM pg_roles
        WHERE rolname IN ('halles_runner', 'halles_edge', 'halles_identity', 'halles_ops', 'halles_reader') LOOP
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', name);
        EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM %I', name);
        EXECUTE format('GRANT SELECT ON shard_placement, shard_move, runner_leaving, shard_pin TO %I', name);
        IF name IN ('halles_runner', 'halles_ops') THEN
          EXECUTE format('GRANT EXECUTE ON FUNCTION placement_leave, placement_stay TO %I', name);
        END IF;
      END LOOP;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_runner') THEN
        GRANT EXECUTE ON FUNCTION placement_move, placement_plan, placement_taken TO halles_runner;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_ops') THEN
        GRANT EXECUTE ON FUNCTION placement_drain, placement_pin, placement_unpin TO halles_ops;
      END IF;
    END $$`
})
