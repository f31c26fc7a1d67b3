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

/** The values that were sent cannot be stored: trying again cannot help, and what was sent beside them may well be stored. */
export const blamesTheData = ({ reason: { cause } }: SqlError.SqlError): boolean => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  return code.length === 5 && dataClasses.includes(code.slice(0, 2))
}
