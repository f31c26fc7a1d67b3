import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * The journal and what is written in its transactions: timers, markers of batches that are still to be published, the
 * fencing epoch of each shard. `journal_append` is the one way in.
 *
 * Fencing: a batch takes a shared advisory lock on each of its shards and then reads their epochs; who raises an epoch
 * takes the lock exclusively. Each statement of a volatile function has a snapshot of its own under READ COMMITTED, so
 * the epochs read are those of after the lock. Advisory locks live in memory: no row is written to hold a shard still.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE journal (
      position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      seq integer NOT NULL CHECK (seq > 0),
      command_id text NOT NULL,
      events jsonb NOT NULL,
      meta jsonb NOT NULL,
      shard integer NOT NULL,
      epoch integer NOT NULL,
      at timestamptz NOT NULL,
      CONSTRAINT journal_seq UNIQUE (entity_type, entity_id, seq),
      CONSTRAINT journal_command UNIQUE (entity_type, entity_id, command_id)
    )`
  yield* sql`
    CREATE TABLE shard_epoch (
      shard integer PRIMARY KEY,
      epoch integer NOT NULL,
      owner text NOT NULL,
      at timestamptz NOT NULL DEFAULT now()
    )`
  yield* sql`
    CREATE TABLE timer (
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      shard integer NOT NULL,
      due_at timestamptz NOT NULL,
      PRIMARY KEY (entity_type, entity_id)
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
      timer_types text[], timer_ids text[], timer_shards integer[], timer_dues double precision[]
    ) RETURNS TABLE (stale integer[], batch bigint, positions bigint[])
    LANGUAGE plpgsql VOLATILE AS $fn$
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

      IF cardinality(timer_types) > 0 THEN
        DELETE FROM timer USING unnest(timer_types, timer_ids, timer_dues) AS d(t, i, due)
          WHERE d.due = 0 AND timer.entity_type = d.t AND timer.entity_id = d.i;
        INSERT INTO timer (entity_type, entity_id, shard, due_at)
        SELECT t, i, h, to_timestamp(due / 1000)
        FROM unnest(timer_types, timer_ids, timer_shards, timer_dues) AS u(t, i, h, due)
        WHERE due > 0
        ON CONFLICT (entity_type, entity_id) DO UPDATE SET due_at = excluded.due_at;
      END IF;

      INSERT INTO outbox_batch (runner, first_position, last_position)
      SELECT journal_append.runner, min(p), max(p) FROM unnest(positions) AS p
      RETURNING id INTO batch;
      RETURN NEXT;
    END $fn$`

  yield* sql`
    CREATE FUNCTION shard_epoch_raise(taken integer[], new_owner text)
    RETURNS TABLE (shard integer, epoch integer)
    LANGUAGE plpgsql VOLATILE AS $fn$
    BEGIN
      PERFORM pg_advisory_xact_lock(7201, t.shard) FROM (SELECT unnest(taken) AS shard ORDER BY 1) t;
      RETURN QUERY
        INSERT INTO shard_epoch AS e (shard, epoch, owner)
        SELECT t, 1, new_owner FROM unnest(taken) AS t
        ON CONFLICT ON CONSTRAINT shard_epoch_pkey
          DO UPDATE SET epoch = e.epoch + 1, owner = excluded.owner, at = now()
        RETURNING e.shard, e.epoch;
    END $fn$`

  // Least privilege: the journal is append-only for everybody who runs.
  yield* sql`
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_runner') THEN
        GRANT SELECT, INSERT ON journal TO halles_runner;
        GRANT SELECT, INSERT, UPDATE ON shard_epoch TO halles_runner;
        GRANT SELECT, INSERT, UPDATE, DELETE ON timer, snapshot, outbox_batch TO halles_runner;
        GRANT SELECT, INSERT ON alarm TO halles_runner;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_reader') THEN
        GRANT SELECT ON journal, shard_epoch, timer, snapshot, outbox_batch, alarm TO halles_reader;
      END IF;
    END $$`
})
