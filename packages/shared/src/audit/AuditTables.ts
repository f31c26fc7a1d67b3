import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** The audit log, in a schema of its own of `halles_control`. */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE SCHEMA audit`
  // What is searched for is derived from what is hashed: nobody can change the one and leave the other.
  yield* sql`
    CREATE TABLE audit.entry (
      seq bigint PRIMARY KEY,
      at bigint NOT NULL,
      entry text NOT NULL CHECK (length(entry) <= 16384),
      hash text NOT NULL UNIQUE,
      id text GENERATED ALWAYS AS (entry::jsonb ->> 'id') STORED UNIQUE,
      actor text GENERATED ALWAYS AS (entry::jsonb ->> 'actor') STORED,
      action text GENERATED ALWAYS AS (entry::jsonb ->> 'action') STORED
    )`
  yield* sql`CREATE INDEX entry_actor ON audit.entry (actor, seq)`
  yield* sql`CREATE INDEX entry_action ON audit.entry (action, seq)`
  yield* sql`
    CREATE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql AS $fn$
    BEGIN
      RAISE EXCEPTION 'the audit log is only appended to' USING ERRCODE = 'insufficient_privilege';
    END $fn$`
  yield* sql`
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse()`

  // Who appends has the chain to itself until its transaction ends. One that does not end, of a process that was stopped in
  // the middle or of somebody who wants to keep the others from writing, is ended by the next in line, a second later.
  yield* sql`
    CREATE FUNCTION audit.wait_for(class integer, key integer) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $fn$
    DECLARE
      before text;
    BEGIN
      IF pg_try_advisory_xact_lock(class, key) THEN RETURN; END IF;
      FOR time IN 1..3 LOOP
        SELECT l.pid || ' ' || l.virtualtransaction INTO before FROM pg_locks l
          WHERE l.locktype = 'advisory' AND l.classid = 7301 AND l.objid = 0 AND l.objsubid = 2 AND l.granted
            AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
        BEGIN
          PERFORM pg_advisory_xact_lock(class, key);
          RETURN;
        EXCEPTION WHEN lock_not_available THEN
          -- Others may have had the log meanwhile, one after the other: they are no reason. Who waits for a session of its own
          -- login leaves the ending to whoever is next for the log: or it would come before that one, which has just lost its place.
          -- The gate keeps that place: no session that comes now gets the log before it.
          IF class = 7301 THEN PERFORM pg_try_advisory_xact_lock(7305, 0); END IF;
          PERFORM pg_terminate_backend(l.pid) FROM pg_locks l
            WHERE l.locktype = 'advisory' AND l.classid = 7301 AND l.objid = 0 AND l.objsubid = 2 AND l.granted
              AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
              AND l.pid || ' ' || l.virtualtransaction = before
              AND (class = 7301 OR NOT EXISTS (SELECT FROM pg_locks w
                WHERE w.locktype = 'advisory' AND w.classid = 7301 AND w.objid = 0 AND w.objsubid = 2 AND NOT w.granted
                  AND w.database = l.database));
        END;
      END LOOP;
      RAISE lock_not_available USING MESSAGE = 'too many wait for the audit log';
    END $fn$`
  // A session that ends the holder of the log closes this gate until its own transaction ends. Other sessions wait at the gate before
  // they wait for the log, for a second at most: a session that keeps it closed may want to keep them from writing.
  yield* sql`
    CREATE FUNCTION audit.pass_gate() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $fn$
    BEGIN
      PERFORM pg_advisory_xact_lock_shared(7305, 0);
      -- What a block locks is free again once the block has failed.
      RAISE SQLSTATE 'HG001';
    EXCEPTION WHEN lock_not_available OR SQLSTATE 'HG001' THEN
      RETURN;
    END $fn$`
  // One login has one place in the line, however many sessions it has: its own wait for each other first. So nobody who
  // comes with many waits before all others, again and again.
  yield* sql`
    CREATE FUNCTION audit.take_turn() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $fn$
    BEGIN
      PERFORM audit.wait_for(7304, hashtext(session_user));
      PERFORM audit.pass_gate();
      PERFORM audit.wait_for(7301, 0);
    END $fn$`

  // The only way in: under one lock, so that the chain cannot fork, whoever writes and whatever crashes. Who calls it gives
  // texts and nothing else; number, time and hash are the database's. An entry that is there already is passed over.
  yield* sql`
    CREATE FUNCTION audit.append(entries text[]) RETURNS TABLE (seq bigint, hash text)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
    DECLARE
      next_seq bigint;
      last_hash text;
      now_us bigint;
      item text;
    BEGIN
      PERFORM audit.take_turn();
      SELECT e.seq, e.hash INTO next_seq, last_hash FROM audit.entry e ORDER BY e.seq DESC LIMIT 1;
      next_seq := coalesce(next_seq, 0);
      last_hash := coalesce(last_hash, repeat('0', 64));
      FOREACH item IN ARRAY entries LOOP
        CONTINUE WHEN EXISTS (SELECT FROM audit.entry e WHERE e.id = item::jsonb ->> 'id');
        next_seq := next_seq + 1;
        now_us := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
        last_hash := encode(
          sha256(convert_to(last_hash || E'\\n' || next_seq || E'\\n' || now_us || E'\\n' || item, 'UTF8')), 'hex');
        INSERT INTO audit.entry (seq, at, entry, hash) VALUES (next_seq, now_us, item, last_hash);
      END LOOP;
      seq := next_seq;
      hash := last_hash;
      RETURN NEXT;
    END $fn$`

  // Whoever looks into the databases with the reading login leaves its statement here, and can leave nothing else; and only
  // so many a minute, or it could fill the disk.
  yield* sql`
    CREATE FUNCTION audit.append_query(query text) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
    BEGIN
      IF query::jsonb ->> 'action' IS DISTINCT FROM 'sql.query' OR query::jsonb ->> 'actor' IS DISTINCT FROM 'service:sql' THEN
        RAISE insufficient_privilege USING MESSAGE = 'only statements are written down by this login';
      END IF;
      PERFORM audit.take_turn();
      IF (SELECT e.at FROM audit.entry e WHERE e.action = 'sql.query' ORDER BY e.seq DESC OFFSET 599 LIMIT 1)
        > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - 60000000 THEN
        RAISE configuration_limit_exceeded USING MESSAGE = '600 statements a minute are written down, and no more';
      END IF;
      PERFORM audit.append(ARRAY[query]);
    END $fn$`
  yield* sql`
    REVOKE ALL ON FUNCTION audit.wait_for(integer, integer), audit.pass_gate(), audit.take_turn(), audit.append(text[]), audit.append_query(text)
    FROM PUBLIC`
})

/** Who may write appends through the function and reads; nobody inserts, changes or deletes a row. Run at each provisioning. */
export const grants = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    DO $$ DECLARE name text; BEGIN
      FOR name IN SELECT rolname FROM pg_roles WHERE rolname IN ('halles_edge', 'halles_identity', 'halles_ops', 'halles_auditor') LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA audit TO %I', name);
        EXECUTE format('GRANT SELECT ON audit.entry TO %I', name);
        IF name <> 'halles_auditor' THEN
          EXECUTE format('GRANT EXECUTE ON FUNCTION audit.append(text[]) TO %I', name);
        END IF;
      END LOOP;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_reader') THEN
        REVOKE SELECT ON audit.entry FROM halles_reader;
        GRANT USAGE ON SCHEMA audit TO halles_reader;
        GRANT EXECUTE ON FUNCTION audit.append_query(text) TO halles_reader;
      END IF;
    END $$`
})
