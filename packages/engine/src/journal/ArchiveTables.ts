import { grant } from "@halles/shared/security/Grant"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Histories of entities at which nothing happens any more move from `journal` to `events_archive`, in monthly partitions;
 * whoever reads history reads both, as `journal_all`. `journal_archive` is the one way out of the journal, which is
 * append-only for everybody who runs. The histories of the types that are `hot` never move.
 *
 * A history moves up to the seq that was its newest when it was picked. What is appended meanwhile stays in `journal`, so
 * no lock keeps appends or takeovers of a shard waiting, and no marked row leaves before it is published.
 *
 * A reader that was planned before a partition was there must not run after rows moved into it: it would see them
 * nowhere. So a partition is made under the parent's exclusive lock, which waits for such readers (1 s at the most, since
 * others queue behind it), and in a call of its own: rows move in a later one.
 */
export const create = Effect.fnUntraced(function* (hot: readonly [string, ...ReadonlyArray<string>]) {
  const sql = yield* SqlClient.SqlClient
  const hotTypes = sql.literal(hot.map((type) => `'${type}'`).join(", "))

  yield* sql`
    CREATE TABLE events_archive (
      position bigint NOT NULL,
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
      PRIMARY KEY (position, at)
    ) PARTITION BY RANGE (at)`
  yield* sql`CREATE INDEX events_archive_seq ON events_archive (entity_type, entity_id, seq)`
  // `journal_append` refuses the first row of an entity that has a history here.
  yield* sql`
    CREATE TABLE archived_entity (
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      PRIMARY KEY (entity_type, entity_id)
    )`
  yield* sql`
    CREATE VIEW journal_all AS
      SELECT position, entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at, bytes FROM journal
      UNION ALL
      SELECT position, entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at, bytes FROM events_archive`
  // What is idle is found by it.
  yield* sql`CREATE INDEX journal_idle ON journal (entity_type, at) WHERE entity_type NOT IN (${hotTypes})`

  // Its planner settings: each candidate is probed by index until there are enough, never the whole journal read.
  yield* sql`
    CREATE FUNCTION journal_archive(entity_types text[], idle_before timestamptz, entities_max integer)
    RETURNS TABLE (entities bigint, moved bigint, partitions integer)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s'
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $fn$
    DECLARE
      picked_types text[];
      picked_ids text[];
      picked_seqs integer[];
      month timestamptz;
    BEGIN
      entities := 0;
      moved := 0;
      partitions := 0;
      IF entity_types && ARRAY[${hotTypes}] THEN RAISE 'histories of % are not archived', entity_types; END IF;
      IF NOT pg_try_advisory_xact_lock(7202, 0) THEN
        RETURN NEXT;
        RETURN;
      END IF;

      SELECT array_agg(p.entity_type), array_agg(p.entity_id), array_agg(p.seq)
        INTO picked_types, picked_ids, picked_seqs
        FROM (
          SELECT j.entity_type, j.entity_id, j.seq FROM journal j
          WHERE j.entity_type = ANY(entity_types) AND j.entity_type NOT IN (${hotTypes}) AND j.at < idle_before
            AND NOT EXISTS (
              SELECT FROM journal n
              WHERE n.entity_type = j.entity_type AND n.entity_id = j.entity_id AND n.seq > j.seq)
            AND NOT EXISTS (
              SELECT FROM timer t WHERE t.entity_type = j.entity_type AND t.entity_id = j.entity_id)
            AND NOT EXISTS (
              SELECT FROM journal o JOIN outbox_batch b ON o.position BETWEEN b.first_position AND b.last_position
              WHERE o.entity_type = j.entity_type AND o.entity_id = j.entity_id)
          LIMIT entities_max
        ) p;

      FOR month IN
        SELECT DISTINCT date_trunc('month', j.at)
        FROM unnest(picked_types, picked_ids, picked_seqs) AS p(t, i, s)
        JOIN journal j ON j.entity_type = p.t AND j.entity_id = p.i AND j.seq <= p.s
      LOOP
        CONTINUE WHEN to_regclass('public.events_archive_' || to_char(month, 'YYYY_MM')) IS NOT NULL;
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.events_archive FOR VALUES FROM (%L) TO (%L)',
          'events_archive_' || to_char(month, 'YYYY_MM'), month, month + interval '1 month');
        partitions := partitions + 1;
      END LOOP;

      IF partitions = 0 THEN
        WITH gone AS (
          DELETE FROM journal j USING unnest(picked_types, picked_ids, picked_seqs) AS p(t, i, s)
          WHERE j.entity_type = p.t AND j.entity_id = p.i AND j.seq <= p.s
          RETURNING j.position, j.entity_type, j.entity_id, j.seq, j.command_id, j.events, j.meta, j.shard, j.epoch, j.at
        )
        INSERT INTO events_archive (position, entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        SELECT g.position, g.entity_type, g.entity_id, g.seq, g.command_id, g.events, g.meta, g.shard, g.epoch, g.at
        FROM gone g;
        GET DIAGNOSTICS moved = ROW_COUNT;
        INSERT INTO archived_entity (entity_type, entity_id) SELECT t, i FROM unnest(picked_types, picked_ids) AS p(t, i)
        ON CONFLICT DO NOTHING;
        entities := coalesce(cardinality(picked_ids), 0);
      END IF;
      RETURN NEXT;
    END $fn$`

  // An entity knows its last 256 command ids by heart; a repeat of an older one meets this instead of the unique index,
  // and is answered from the archive in the same way.
  yield* sql`
    CREATE FUNCTION journal_command_archived() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $fn$
    BEGIN
      IF EXISTS (
        SELECT FROM events_archive a
        WHERE a.entity_type = NEW.entity_type AND a.entity_id = NEW.entity_id AND a.command_id = NEW.command_id
      ) THEN
        RAISE unique_violation USING
          MESSAGE = 'the command is in the archive', TABLE = 'journal', CONSTRAINT = 'journal_command';
      END IF;
      RETURN NEW;
    END $fn$`
  yield* sql`
    CREATE TRIGGER journal_command_archived BEFORE INSERT ON journal
      FOR EACH ROW WHEN (NEW.seq > 256 AND NEW.entity_type NOT IN (${hotTypes})) EXECUTE FUNCTION journal_command_archived()`

  yield* grant("halles_runner", "SELECT ON journal_all")
})
