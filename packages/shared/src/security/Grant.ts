import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Gives a role rights, each as `SELECT ON journal`, if the server has that role: a test's has none. No statement here takes
 * parameters; roles and rights are constants of ours.
 */
export const grant = Effect.fnUntraced(function* (role: string, ...rights: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN
        ${rights.map((right) => `GRANT ${right} TO ${role};`).join("\n        ")}
      END IF;
    END $$`)
})
