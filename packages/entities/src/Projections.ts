import { Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { follow } from "@halles/engine/projections/Follower"
import { tables } from "./Domains.ts"

export { applied, lag, pending, refused } from "@halles/engine/projections/Follower"

/**
 * Keeps all read tables of a region up to date, for ever.
 *
 * **Details**
 *
 * One follower a table is enough; two at a time do no harm, since a row is a function of its entity's journal. With a
 * `Redis` in the context, `order_status:<id>` and `stock_levels:<id>` are written after each commit, best effort.
 */
export const run = (region: Region): Effect.Effect<void, never, Nats | SqlClient.SqlClient> =>
  Effect.forEach(tables, (table) => follow(region, table), { concurrency: "unbounded", discard: true })
