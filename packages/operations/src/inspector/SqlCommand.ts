import { RegionDatabases } from "@halles/entities/routes/Reads"
import { canonical, statementMax } from "@halles/shared/audit/AuditEntry"
import { regions } from "@halles/shared/Region"
import { Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"
import { userInfo } from "node:os"
import { output, printList } from "./Output.ts"

/** Rows that a query may show, and time that it may take. */
const rowsMax = 1_000
const deadline = "30s"

/** Statements that only look; what they call is bounded by what their login may call. */
const rows = /^\s*(?:select|with|table|values)\b/i
const words = /^\s*(?:explain|show)\b/i

/** What was typed is no statement that looks. */
export class BadStatement extends Schema.TaggedError<BadStatement>()("BadStatement", { reason: Schema.String }) {
  readonly exitCode = 2
  override get message() {
    return `${this.reason}: one SELECT, WITH, TABLE, VALUES, EXPLAIN or SHOW of ${statementMax} characters at the most`
  }
}
/** It would leave no trace. */
export class NotWrittenDown extends Schema.TaggedError<NotWrittenDown>()("NotWrittenDown", {}) {
  readonly exitCode = 6
  override readonly message = "the audit log does not take the statement, so it is not run"
}

/** As one statement, of which the server takes no second one. */
export const looking = (typed: string): Effect.Effect<string, BadStatement> => {
  const statement = typed.trim().replace(/;+$/, "")
  // What the audit log would not have as a whole is not run.
  if (JSON.stringify(typed).length > statementMax) return Effect.fail(new BadStatement({ reason: "too long" }))
  if (rows.test(statement)) return Effect.succeed(`SELECT * FROM (${statement}\n) AS q LIMIT ${rowsMax}`)
  return words.test(statement)
    ? Effect.succeed(statement)
    : Effect.fail(new BadStatement({ reason: "not a statement that only looks" }))
}

export const sqlCommand = Command.make(
  "sql",
  {
    query: Argument.String("query").pipe(Argument.withDescription("One statement that looks")),
    database: Flag.Literals("database", [...regions, "control"]).pipe(
      Flag.withAlias("d"),
      Flag.withDescription("A region's database, or control"),
      Flag.withDefault("eu" as const)
    ),
    output
  },
  ({ database, output, query }) =>
    Effect.gen(function* () {
      const statement = yield* looking(query)
      const control = yield* SqlClient.SqlClient
      const act = canonical(
        {
          actor: "service:sql",
          action: "sql.query",
          subject: database,
          outcome: "allowed",
          details: { statement: query, user: userInfo().username }
        },
        randomUUID()
      )
      yield* control`SELECT audit.append_query(${act})`.pipe(Effect.mapError(() => new NotWrittenDown()))
      const sql = database === "control" ? control : (yield* RegionDatabases).of(database)
      const found = yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql.unsafe("SET TRANSACTION READ ONLY")
          yield* sql.unsafe(`SET LOCAL statement_timeout = '${deadline}'`)
          return yield* sql.unsafe<Record<string, unknown>>(statement)
        })
      )
      yield* printList(output, found.slice(0, rowsMax), Object.keys(found[0] ?? {}), (item) =>
        String(Object.values(item)[0])
      )
    })
).pipe(
  Command.withDescription(
    "One statement that looks, as the reading role, in a read-only transaction of 30 s; 1,000 rows at the most. Personal data is hidden " +
      "by the database, and the audit log has each statement"
  ),
  Command.withShortDescription("A SELECT on a region's database"),
  Command.withExamples([{ command: 'halles sql "SELECT status, count(*) FROM order_view GROUP BY status" -d eu' }])
)
