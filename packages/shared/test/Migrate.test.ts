import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { migrate } from "../src/clients/Migrate.ts"
import { PgTest } from "../src/testing/PgTest.ts"

const statement = (text: string) => Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.asVoid(sql.unsafe(text)))
const things = (column: string) => statement(`CREATE TABLE thing (${column} integer)`)
const first = { "0001_things": things("count") }

layer(PgTest.layer("migrate"), { excludeTestServices: true, timeout: "60 seconds" })("Migrations", (it) => {
  it.effect("run once each, and are refused once their statements have changed", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* migrate("versions", first)
      yield* sql`INSERT INTO thing (count) VALUES (7)`
      yield* migrate("versions", first)
      const both = { ...first, "0002_more": statement("ALTER TABLE thing ADD COLUMN more integer") }
      yield* migrate("versions", both)
      assert.deepStrictEqual(yield* sql`SELECT count, more FROM thing`, [{ count: 7, more: null }])

      const changed = { ...both, "0001_things": things("amount"), "0003_other": statement("CREATE TABLE other ()") }
      assert.strictEqual((yield* Effect.flip(migrate("versions", changed)))._tag, "OtherVersion")
      // The version that made the tables goes on: nothing of the other one was run.
      yield* migrate("versions", both)
      // A version that knows one migration less would read tables that it does not know.
      assert.strictEqual((yield* Effect.flip(migrate("versions", first)))._tag, "OtherVersion")
      assert.deepStrictEqual(yield* sql`SELECT count, more FROM thing`, [{ count: 7, more: null }])
    })
  )
})
