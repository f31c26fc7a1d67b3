import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Read tables that follow the journal. Each row is a function of one entity's journal up to `seq`, so that applying a
 * message twice, late or after a rebuild comes to the same row. All of it can be dropped and rebuilt.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE product_view (
      id text PRIMARY KEY,
      seq integer NOT NULL,
      sku text NOT NULL,
      title text NOT NULL,
      description text NOT NULL,
      price_amount bigint NOT NULL,
      currency text NOT NULL,
      tax_rate integer NOT NULL,
      listed boolean NOT NULL,
      search tsvector NOT NULL
        GENERATED ALWAYS AS (to_tsvector('simple', sku || ' ' || title || ' ' || description)) STORED
    )`
  yield* sql`CREATE INDEX product_view_search ON product_view USING gin (search)`

  // What is below `updated_at` is only there to fold the next event.
  yield* sql`
    CREATE TABLE order_view (
      id text PRIMARY KEY,
      seq integer NOT NULL,
      customer_id text,
      status text NOT NULL,
      currency text NOT NULL,
      total bigint NOT NULL,
      authorised bigint NOT NULL,
      captured bigint NOT NULL,
      refunded bigint NOT NULL,
      units bigint NOT NULL,
      placed_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      payable boolean NOT NULL,
      dispatched boolean NOT NULL,
      delivered boolean NOT NULL,
      returns jsonb NOT NULL
    )`
  yield* sql`CREATE INDEX order_view_customer ON order_view (customer_id, placed_at DESC, id DESC)`

  yield* sql`
    CREATE TABLE stock_view (
      id text PRIMARY KEY,
      seq integer NOT NULL,
      on_hand bigint NOT NULL,
      held bigint NOT NULL,
      reserved bigint NOT NULL,
      available bigint NOT NULL,
      shipped bigint NOT NULL,
      back_ordered bigint NOT NULL,
      back_order_allowed boolean NOT NULL,
      warehouses jsonb NOT NULL,
      waiting jsonb NOT NULL,
      updated_at timestamptz NOT NULL
    )`

  // Which version of its fold a table was last built by, and up to where in the stream all is applied.
  yield* sql`
    CREATE TABLE projection (
      name text PRIMARY KEY,
      version integer NOT NULL,
      stream_seq bigint NOT NULL DEFAULT 0,
      rebuilt_at timestamptz NOT NULL DEFAULT now()
    )`

  yield* sql`
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_runner') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON product_view, order_view, stock_view, projection TO halles_runner;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_edge') THEN
        GRANT SELECT ON product_view, order_view, stock_view TO halles_edge;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_reader') THEN
        GRANT SELECT ON product_view, order_view, stock_view, projection TO halles_reader;
      END IF;
    END $$`
})
