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
