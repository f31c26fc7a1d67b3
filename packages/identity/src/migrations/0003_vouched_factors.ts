import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Since when an account's second factors are known to be its owner's, though somebody else might have its password. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE identity.account ADD COLUMN factors_vouched_at timestamptz`
})
