import { grant } from "@halles/shared/security/Grant"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * The journal and what is written in its transactions: timers and markers of batches that are still to be published; the
 * snapshots, which save reading it; and alarms. `journal_append` is the one way in, and is called in the name of its owner:
 * no login may write into the journal past the fence.
 *
 * Fencing: a batch takes a shared advisory lock on each of its shards and then reads their epochs; who raises an epoch
 * takes the lock exclusively. Each statement of a volatile function has a snapshot of its own under READ COMMITTED, so
 * the epochs read are those of after the lock. Advisory locks live in memory: no row is written to hold a shard still.
 *
 * `journal_append` runs for each batch, so its plans are made once a session, and use the indexes whatever the tables held then:
 * the planning of one of its statements anew in each call was an eighth of the call. A table has one `CHECK`, since each one is
 * parsed anew in each statement.
 *
 * Sizes stand in the rows, so that readers take so many bytes and not only so many rows. The bound of a row is for whoever
 * writes: the entity refuses long before it. Times that no clock shows are refused, since nobody can reckon with them.
 */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE journal (
      position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      seq integer NOT NULL,
      command_id text NOT NULL,
      events jsonb NOT NULL,
      meta jsonb NOT NULL,
      shard integer NOT NULL,
      epoch integer NOT NULL,
      at timestamptz NOT NULL,
      bytes integer NOT NULL GENERATED ALWAYS AS (octet_length(events::text)) STORED,
      CONSTRAINT journal_seq UNIQUE (entity_type, entity_id, seq),
      CONSTRAINT journal_command UNIQUE (entity_type, entity_id, command_id),
      CONSTRAINT journal_bounds CHECK (seq > 0 AND isfinite(at) AND bytes <= 16777216)
    )`
  yield* sql`
    CREATE TABLE timer (
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      shard integer NOT NULL,
      due_at timestamptz NOT NULL,
      PRIMARY KEY (entity_type, entity_id),
      CONSTRAINT timer_due_at CHECK (isfinite(due_at))
    )`
  yield* sql`CREATE INDEX timer_due ON timer (due_at)`
  yield* sql`
    CREATE TABLE snapshot (
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      seq integer NOT NULL,
      version integer NOT NULL,
      state jsonb NOT NULL,
      commands text[] NOT NULL,
      at timestamptz NOT NULL DEFAULT now(),
      bytes integer NOT NULL GENERATED ALWAYS AS (octet_length(state::text)) STORED,
      PRIMARY KEY (entity_type, entity_id)
    )`
  yield* sql`
    CREATE TABLE outbox_batch (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      runner text NOT NULL,
      first_position bigint NOT NULL,
      last_position bigint NOT NULL,
      at timestamptz NOT NULL DEFAULT now()
    )`
  yield* sql`
    CREATE TABLE alarm (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      kind text NOT NULL,
      detail jsonb NOT NULL,
      at timestamptz NOT NULL DEFAULT now()
    )`

  yield* sql`
    CREATE FUNCTION journal_append(
      runner text,
      types text[], ids text[], seqs integer[], commands text[], event_lists text[], metas text[],
      shards integer[], epochs integer[], ats double precision[],
      fence_shards integer[], fence_epochs integer[],
      timer_types text[], timer_ids text[], timer_shards integer[], timer_dues double precision[],
      published bigint[]
    ) RETURNS TABLE (stale integer[], batch bigint, positions bigint[])
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $fn$
    BEGIN
      PERFORM pg_advisory_xact_lock_shared(7201, f.shard)
        FROM (SELECT unnest(fence_shards) AS shard ORDER BY 1) f;
      SELECT array_agg(f.shard) INTO stale
        FROM unnest(fence_shards, fence_epochs) AS f(shard, epoch)
        LEFT JOIN shard_epoch e ON e.shard = f.shard
        WHERE e.epoch IS DISTINCT FROM f.epoch;
      IF stale IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
      END IF;

      WITH written AS (
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        SELECT t, i, s, c, e::jsonb, m::jsonb, h, p, to_timestamp(a / 1000)
        FROM unnest(types, ids, seqs, commands, event_lists, metas, shards, epochs, ats)
          AS r(t, i, s, c, e, m, h, p, a)
        RETURNING position
      )
      SELECT array_agg(position) INTO positions FROM written;

      -- A runner took these for new. After the insert: one that met a history on its way into the archive has waited for that.
      IF 1 = ANY(seqs) AND EXISTS (
        SELECT FROM unnest(types, ids, seqs) AS r(t, i, s)
        JOIN archived_entity a ON a.entity_type = r.t AND a.entity_id = r.i
        WHERE r.s = 1
      ) THEN
        RAISE unique_violation USING
          MESSAGE = 'the entity is in the archive', TABLE = 'journal', CONSTRAINT = 'journal_seq';
      END IF;

      IF cardinality(timer_types) > 0 THEN
        IF 0 = ANY(timer_dues) THEN
          DELETE FROM timer USING unnest(timer_types, timer_ids, timer_dues) AS d(t, i, due)
            WHERE d.due = 0 AND timer.entity_type = d.t AND timer.entity_id = d.i;
        END IF;
        INSERT INTO timer (entity_type, entity_id, shard, due_at)
        SELECT t, i, h, to_timestamp(due / 1000)
        FROM unnest(timer_types, timer_ids, timer_shards, timer_dues) AS u(t, i, h, due)
        WHERE due > 0
        ON CONFLICT (entity_type, entity_id) DO UPDATE SET due_at = excluded.due_at;
      END IF;

      IF cardinality(published) > 0 THEN
        DELETE FROM outbox_batch WHERE id = ANY(published);
      END IF;
      INSERT INTO outbox_batch (runner, first_position, last_position)
      VALUES (journal_append.runner, positions[1], positions[cardinality(positions)])
      RETURNING id INTO batch;
      RETURN NEXT;
    END $fn$`

  // What entities are rebuilt from, many in one call: the newest snapshot of each and the first rows after it, as
  // `[seq, command id, events, version, Unix milliseconds]`, and whether the entity is parked. A function, so that the plan
  // over all partitions of the archive is made once a session and not once an entity. What is read at a time is bounded by
  // bytes, whatever was written: the rows of a history up to so many (one at the least), and whether there are more; a
  // snapshot that is too large is as if there were none; and of the entities of one load only so many are answered that
  // their bytes stay within a bound (the first one at least), the others are asked for again.
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

  // What happened in a row, without what it holds: whatever was written there.
  yield* sql`
    CREATE FUNCTION journal_tags(events jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $fn$
      SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('_tag', left(e->>'_tag', 100))), '[]')
      FROM jsonb_array_elements(CASE jsonb_typeof(events) WHEN 'array' THEN events ELSE '[]' END) e
      WHERE jsonb_typeof(e->'_tag') = 'string'
    $fn$`

  yield* sql`
    CREATE FUNCTION alarm_drop(older_than timestamptz, rows_max integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $fn$
    DECLARE
      dropped bigint;
    BEGIN
      DELETE FROM alarm WHERE id IN (SELECT id FROM alarm WHERE at < older_than ORDER BY id LIMIT rows_max);
      GET DIAGNOSTICS dropped = ROW_COUNT;
      RETURN dropped;
    END $fn$`

  yield* grant(
    "halles_runner",
    "SELECT ON journal",
    "SELECT, INSERT, UPDATE, DELETE ON timer, snapshot, outbox_batch",
    "SELECT, INSERT ON alarm"
  )
  yield* grant("halles_reader", "SELECT ON timer, outbox_batch, alarm")
})
