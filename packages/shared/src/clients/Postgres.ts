import { PgClient } from "@effect/sql-pg"
import { Duration, type Layer, type Redacted } from "effect"
import type { SqlClient, SqlError } from "effect/sql"

/** Connections to one database; a caller that finds all of them busy waits, and its own deadline ends the wait. */
export const layer = (options: {
  readonly url: Redacted.Redacted
  readonly applicationName: string
  readonly connectionsMax: number
}): Layer.Layer<SqlClient.SqlClient | PgClient.PgClient, SqlError.SqlError> =>
  PgClient.layer({
    url: options.url,
    applicationName: options.applicationName,
    maxConnections: options.connectionsMax,
    connectTimeout: Duration.seconds(5)
  })

/** Classes of `SQLSTATE` that the statement's own values are to blame for: data exception, integrity violation, limit of a program. */
const dataClasses = ["22", "23", "54"]

/** As Postgres names the fault: five characters, and nothing of what was sent. Empty when it did not answer. */
export const sqlState = ({ reason: { cause } }: SqlError.SqlError): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""

/** The values that were sent cannot be stored: trying again cannot help, and what was sent beside them may well be stored. */
export const blamesTheData = (error: SqlError.SqlError): boolean => {
  const state = sqlState(error)
  return state.length === 5 && dataClasses.includes(state.slice(0, 2))
}
