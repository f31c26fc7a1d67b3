import { Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { follow } from "@halles/engine/projections/Follower"
import { tables } from "./Domains.ts"
import * as Projection from "@halles/engine/projections/Projection"

export { applied, lag, pending, refused } from "@halles/engine/projections/Follower"

/** The read tables of a region, by name. */
export const names = tables.map(({ name }) => name)
const named = (name: string) => tables.find((table) => table.name === name)!

/**
 * Keeps one read table of a region up to date, for ever.
 *
 * **Details**
 *
 * One follower a table is enough; two at a time do no harm, since a row is a function of its entity's journal. With a
 * `Redis` in the context, `order_status:<id>` and `stock_levels:<id>` are written after each commit, best effort.
 */
export const follower = (region: Region, name: string): Effect.Effect<void, never, Nats | SqlClient.SqlClient> =>
  follow(region, named(name))

/** Keeps all read tables of a region up to date, for ever. */
export const run = (region: Region): Effect.Effect<void, never, Nats | SqlClient.SqlClient> =>
  Effect.forEach(names, (name) => follower(region, name), { concurrency: "unbounded", discard: true })

/**
 * Makes one table anew from the journal while the system serves: in place, a few entities a transaction, so a reader sees
 * a row as it was or as it is, never none. Answers with the number of entities.
 */
export const rebuild = (name: string): Effect.Effect<number, SqlError.SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(Projection.make(named(name)), ({ rebuild }) => Effect.map(rebuild, ({ entities }) => entities))
