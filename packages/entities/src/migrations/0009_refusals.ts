import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Orders of which a step was refused for good, and what banks took back: for operators, who look for the few among many. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    ALTER TABLE order_view
      ADD COLUMN disputed bigint NOT NULL DEFAULT 0,
      ADD COLUMN refused jsonb NOT NULL DEFAULT '[]',
      ADD COLUMN disputes jsonb NOT NULL DEFAULT '[]'`
  yield* sql`CREATE INDEX order_view_refused ON order_view (updated_at) WHERE refused <> '[]'`
})
