import { PgTypes } from "@effect/sql-pg"
import type { SkuId } from "@halles/shared/Ids"
import * as Shard from "@halles/shared/Shard"
import { Effect, Result } from "effect"
import { SqlClient } from "effect/sql"

/** Entities of one statement. */
const together = 2_000

const array = (values: ReadonlyArray<unknown>, oid: number) => Result.getOrThrow(PgTypes.array(values, oid))

/**
 * Gives SKUs the past of another one, all that a runner finds of it: rows of the journal, snapshot, row of stock. What
 * is copied was written by a runner; only the time that it would take to write it so often is saved.
 */
export const copies = Effect.fnUntraced(function* (original: SkuId, ids: ReadonlyArray<SkuId>) {
  const sql = yield* SqlClient.SqlClient
  for (let first = 0; first < ids.length; first += together) {
    const some = ids.slice(first, first + together)
    const copied = array(some, PgTypes.OID.text)
    const shards = array(some.map(Shard.shardOf), PgTypes.OID.int4)
    yield* sql`
      INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
      SELECT j.entity_type, c.id, j.seq, j.command_id, j.events, j.meta, c.shard, j.epoch, j.at
      FROM unnest(${copied}, ${shards}) AS c(id, shard)
      CROSS JOIN (SELECT * FROM journal WHERE entity_type = 'Sku' AND entity_id = ${original}) j`
    yield* sql`
      INSERT INTO snapshot (entity_type, entity_id, seq, version, state, commands)
      SELECT s.entity_type, c.id, s.seq, s.version, s.state, s.commands
      FROM unnest(${copied}) AS c(id)
      CROSS JOIN (SELECT * FROM snapshot WHERE entity_type = 'Sku' AND entity_id = ${original}) s`
    yield* sql`
      INSERT INTO stock_view
      SELECT (jsonb_populate_record(NULL::stock_view, to_jsonb(v) || jsonb_build_object('id', c.id))).*
      FROM unnest(${copied}) AS c(id) CROSS JOIN (SELECT * FROM stock_view WHERE id = ${original}) v`
  }
  yield* sql`VACUUM (ANALYZE) journal, snapshot, stock_view`
})
