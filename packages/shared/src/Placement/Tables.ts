import { Effect } from "effect"
import { Migrator, SqlClient } from "effect/sql"
import { regions, shardsPerRegion } from "../Region.ts"

const placement = Effect.gen(function* () {
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
})

const pins = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE shard_pin (
      region text NOT NULL,
      shard integer NOT NULL,
      runner text NOT NULL,
      at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (region, shard)
    )`
})

/** Which runner is to have which shard, the plans of moves, and the runners that are to have none: for `halles_control`. */
export const migrations = Migrator.fromRecord({ "0001_placement": placement, "0002_pins": pins })
