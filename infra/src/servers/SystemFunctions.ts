import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"

/**
 * The system's functions with effects that everybody may call. All others are their owner's and the administrator's: locks that any
 * reader could hold against all writers, large objects and messages in the log that fill the disk, sleeping, ending
 * sessions, slots that keep the log from being freed; also those that a later Postgres brings.
 */
const forEverybody: ReadonlyArray<string> = [
  "clock_timestamp",
  "current_query",
  "currval",
  "gen_random_uuid",
  "lastval",
  "nextval",
  "pg_advisory_unlock",
  "pg_advisory_unlock_all",
  "pg_advisory_unlock_shared",
  "pg_database_size",
  "pg_indexes_size",
  "pg_is_in_recovery",
  "pg_lock_status",
  "pg_partition_ancestors",
  "pg_partition_tree",
  "pg_relation_size",
  "pg_table_size",
  "pg_total_relation_size",
  "random",
  "setval",
  "timeofday"
]

/** These need a transaction id, which nobody who reads has a use for, and Postgres takes for harmless. */
const moreWithEffects: ReadonlyArray<string> = ["pg_current_xact_id", "txid_current"]

/** What our own functions do in the name of their owner. */
const forOwners: ReadonlyArray<string> = [
  "pg_advisory_xact_lock",
  "pg_advisory_xact_lock_shared",
  "pg_try_advisory_lock",
  "pg_try_advisory_xact_lock",
  "pg_terminate_backend"
]
/** Settings of one's own session, which those who only read have no use for. */
const settings = ["set_config"]
const settled = ["halles_runner", "halles_edge", "halles_identity", "halles_ops", "halles_webhooks"]

/** Who set Postgres up did not let us take rights from everybody, so that any login could keep all others from writing. */
export class NotAdministrator extends Schema.TaggedError<NotAdministrator>()("NotAdministrator", {
  function: Schema.String
}) {
  override get message() {
    return (
      `every login of this Postgres may call ${this.function}, and the administrator that was named cannot change that: ` +
      "any of them could keep all others from writing. Name a superuser in HALLES_PG_URL, HALLES_PG_URL_EU, …"
    )
  }
}

/** Takes from everybody, in this database, what can stop others or fill its disk. Doing it again changes nothing. */
export const withoutSideEffects = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // Handlers and triggers are called by the system, which asks nobody.
  const open = sql<{ signature: string; name: string }>`
    SELECT p.oid::regprocedure::text AS signature, p.proname AS name FROM pg_proc p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace
      AND (p.provolatile = 'v' OR p.proname = ANY(${[...moreWithEffects]}))
      AND p.proname <> ALL(${[...forEverybody]})
      AND p.prorettype::regtype::text <> ALL(ARRAY['trigger', 'event_trigger', 'language_handler', 'index_am_handler', 'table_am_handler', 'tsm_handler', 'internal'])
      AND NOT 'internal'::regtype = ANY(p.proargtypes)
      AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))`
  const found = yield* open
  if (found.length > 0) {
    yield* sql.unsafe(`REVOKE EXECUTE ON FUNCTION ${found.map(({ signature }) => signature).join(", ")} FROM PUBLIC`)
  }
  const [left] = yield* open
  if (left !== undefined) return yield* new NotAdministrator({ function: left.name })
  const give = (names: ReadonlyArray<string>, roles: ReadonlyArray<string>) => sql`
    DO $$ DECLARE f text; r text; BEGIN
      FOR f IN SELECT p.oid::regprocedure FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY(${sql.literal(array(names))}) LOOP
        FOR r IN SELECT rolname FROM pg_roles WHERE rolname = ANY(${sql.literal(array(roles))}) LOOP
          EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f, r);
        END LOOP;
      END LOOP;
    END $$`
  yield* give([...forOwners, ...settings], ["halles_owner"])
  yield* give(settings, settled)
  yield* sql`REVOKE ALL ON SCHEMA public FROM PUBLIC`
  yield* sql`GRANT USAGE ON SCHEMA public TO PUBLIC`
  yield* sql`GRANT ALL ON SCHEMA public TO halles_owner`
  // Blocks of code are for who owns the tables.
  yield* sql`REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC`
  yield* sql`GRANT USAGE ON LANGUAGE plpgsql TO halles_owner`
  // A function of ours is nobody's either, unless a grant says so.
  yield* sql`ALTER DEFAULT PRIVILEGES FOR ROLE halles_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`
})

const array = (names: ReadonlyArray<string>) => `ARRAY[${names.map((name) => `'${name}'`).join(", ")}]`
