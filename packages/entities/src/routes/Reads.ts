import * as Postgres from "@halles/shared/clients/Postgres"
import type { Projection } from "@halles/engine/projections/Projection"
import { type Region, regions } from "@halles/shared/Region"
import { Context, Effect, Layer, type Redacted } from "effect"
import { SqlClient, type SqlError } from "effect/sql"

/** The database of each region, as its read tables are read. */
export class RegionDatabases extends Context.Service<
  RegionDatabases,
  { readonly of: (region: Region) => SqlClient.SqlClient }
>()("@halles/entities/RegionDatabases") {
  static readonly layer = (options: {
    readonly urls: Readonly<Record<Region, Redacted.Redacted>>
    readonly applicationName: string
    /** For each region. */
    readonly connectionsMax: number
  }): Layer.Layer<RegionDatabases, SqlError.SqlError> =>
    Layer.effect(
      RegionDatabases,
      Effect.gen(function* () {
        const clients = new Map<Region, SqlClient.SqlClient>()
        for (const region of regions) {
          const { applicationName, connectionsMax } = options
          const context = yield* Layer.build(
            Layer.fresh(Postgres.layer({ url: options.urls[region], applicationName, connectionsMax }))
          )
          clients.set(region, Context.get(context, SqlClient.SqlClient))
        }
        return RegionDatabases.of({ of: (region) => clients.get(region)! })
      })
    )

  /** One database for all regions, for tests. */
  static readonly layerOne = Layer.effect(
    RegionDatabases,
    Effect.map(SqlClient.SqlClient, (sql) => RegionDatabases.of({ of: () => sql }))
  )
}

/** A query over the read tables of one region. */
export interface Query<A, E = never> {
  /** For traces, and for who answers in a test. */
  readonly name: string
  readonly run: Effect.Effect<A, E | SqlError.SqlError, SqlClient.SqlClient>
}

/**
 * Lists and stock levels, from the read tables; the queries are those of the domains' tables. They follow the journal by a moment:
 * who must not read older than a write asks the entity.
 */
export class Reads extends Context.Service<
  Reads,
  {
    readonly read: <A, E>(region: Region, query: Query<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
  }
>()("@halles/entities/Reads") {
  static readonly layer = Layer.effect(
    Reads,
    Effect.map(RegionDatabases, (databases) =>
      Reads.of({
        read: (region, { name, run }) =>
          Effect.withSpan(Effect.provideService(run, SqlClient.SqlClient, databases.of(region)), `Reads.${name}`)
      })
    )
  )
}

/** How far the rows of a read table have come; an entity without a row is absent. */
export const seqs = ({ name, table }: Projection, ids: ReadonlyArray<string>): Query<ReadonlyMap<string, number>> => ({
  name: `${name}.seqs`,
  run: Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ id: string; seq: number }>`
      SELECT id, seq FROM ${sql(table)} WHERE id = ANY(${[...ids]}::text[])`
    return new Map(rows.map(({ id, seq }) => [id, seq]))
  })
})
