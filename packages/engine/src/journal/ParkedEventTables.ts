import { grant } from "@halles/shared/security/Grant"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Events that somebody could not do with, set aside: `parked_event_retry` and `parked_event_resolve` are the ways out, for
 * operators.
 */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
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
  yield* grant("halles_runner", "SELECT, INSERT, UPDATE, DELETE ON parked_event")
  yield* grant("halles_reader", "SELECT ON parked_event")
})
