import { grant } from "@halles/shared/security/Grant"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * The fencing epoch of each shard, which `journal_append` reads under the same advisory lock (7201) that `shard_epoch_raise`
 * takes exclusively. It is raised in the name of its owner: no login may lock shards by itself, or write down an epoch. A
 * runner that has finished with a shard may only say so (`owner`).
 */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE shard_epoch (
      shard integer PRIMARY KEY,
      epoch integer NOT NULL,
      owner text NOT NULL,
      at timestamptz NOT NULL DEFAULT now()
    )`
  yield* sql`
    CREATE FUNCTION shard_epoch_raise(taken integer[], new_owner text)
    RETURNS TABLE (shard integer, epoch integer)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $fn$
    BEGIN
      PERFORM pg_advisory_xact_lock(7201, t.shard) FROM (SELECT unnest(taken) AS shard ORDER BY 1) t;
      RETURN QUERY
        INSERT INTO shard_epoch AS e (shard, epoch, owner)
        SELECT t, 1, new_owner FROM unnest(taken) AS t
        ON CONFLICT ON CONSTRAINT shard_epoch_pkey
          DO UPDATE SET epoch = e.epoch + 1, owner = excluded.owner, at = now()
        RETURNING e.shard, e.epoch;
    END $fn$`
  yield* grant("halles_runner", "SELECT, UPDATE (owner) ON shard_epoch")
  yield* grant("halles_reader", "SELECT ON shard_epoch")
})
