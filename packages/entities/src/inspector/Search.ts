import { Effect } from "effect"
import type { Region } from "@halles/shared/Region"
import { withinBytes } from "@halles/engine/journal/Pages"
import type { Now } from "../Domain.ts"
import { models } from "../Domains.ts"
import { RegionDatabases } from "../routes/Reads.ts"

/** Rows of one read, and bytes of them. */
const pageMax = 5_000
const pageBytesMax = 16 * 1024 ** 2

interface HistoryRow {
  readonly id: string
  readonly seq: number
  readonly events: ReadonlyArray<unknown>
  readonly at: number
}
export interface Found {
  readonly id: string
  readonly now: Now
  /** Of its newest row, in Unix milliseconds. */
  readonly at: number
}

/** Follows the histories of a type in one region, from the id after `after` on, page by page, and stops at the first `limit` that fit. */
export const search = Effect.fn("Search.search")(function* (
  region: Region,
  type: string,
  fits: (state: unknown) => boolean,
  limit: number,
  after = ""
) {
  const sql = (yield* RegionDatabases).of(region)
  const begin = models.get(type)!
  const found: Array<Found> = []
  let current: Found | null = null
  /** A row of this entity cannot be read: the search shows the state before that row, if there is one. */
  let unreadable = ""
  const close = () => {
    if (current !== null && current.now.seq > 0 && fits(current.now.view)) found.push(current)
  }
  // Behind every row of the id that was seen last.
  let seen = { id: after, seq: after === "" ? 0 : 2_147_483_647 }
  for (;;) {
    const rows: ReadonlyArray<HistoryRow> = yield* sql<HistoryRow>`
      SELECT entity_id AS id, seq, events, (extract(epoch FROM at) * 1000)::double precision AS at FROM ${withinBytes(
        sql,
        sql`
          SELECT entity_id, seq, events, at, bytes FROM journal_all
          WHERE entity_type = ${type} AND (entity_id, seq) > (${seen.id}, ${seen.seq})
          ORDER BY entity_id, seq LIMIT ${pageMax}`,
        "entity_id, seq",
        pageBytesMax
      )} ORDER BY entity_id, seq`
    for (const { at, events, id, seq } of rows) {
      if (current === null || current.id !== id) {
        close()
        if (found.length >= limit) return found
        current = { id, now: begin(id), at }
      }
      seen = { id, seq }
      if (id === unreadable) continue
      try {
        current = { id, now: current.now.after(events), at }
      } catch {
        unreadable = id
      }
    }
    if (rows.length === 0) break
  }
  close()
  return found.slice(0, limit)
})
