import { codecsOf } from "@halles/engine/eventsourced/Codecs"
import type { EntityOf } from "@halles/engine/eventsourced/EntityOf"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { Journal } from "@halles/engine/journal/Journal"
import { bounded } from "@halles/shared/Page"
import { Effect, Layer, Semaphore } from "effect"
import { type Entry, HistoryTooLong, readsMax } from "../history/History.ts"
import { type CategoryCode, CategoryTree, CategoryTreeId } from "./CategoryTree.ts"
import * as CategoryTreeState from "./CategoryTreeState.ts"

/** Histories that one runner reads at a time. */
const readersMax = 2

interface Asked {
  readonly category: CategoryCode
  readonly before: number | null
  readonly limit: number
}
type Self = EntityOf<CategoryTreeId, typeof CategoryTreeState>

/** Reads the places of one category out of the journal of the tree. The tree is not folded for that: each row says where the category went. */
const makeHistory = Effect.map(Journal, (journal) => {
  const { decodeEvents } = codecsOf(CategoryTreeState)
  const readers = Semaphore.makeUnsafe(readersMax)
  return Effect.fnUntraced(function* (self: Self, { before, category, limit }: Asked) {
    const { seq: now } = yield* self.committed
    const to = Math.min(now, (before ?? now + 1) - 1)
    const newest: Array<Entry> = []
    let place: { readonly parent: CategoryCode | null; readonly before: CategoryCode | null } | null = null
    let count = 0
    for (let seq = 0, reads = 0; seq < to; reads += 1) {
      if (reads === readsMax) return yield* new HistoryTooLong({ reads })
      const rows = yield* journal.history(CategoryTree.type, self.id, seq)
      if (rows.length === 0) break
      for (const row of rows) {
        seq = row.seq
        if (seq > to) break
        for (const event of decodeEvents(row.events)) {
          if (event.category !== category) continue
          const after = event._tag === "CategoryPlaced" ? { parent: event.parent, before: event.before } : null
          newest.push({
            seq,
            at: row.at,
            author: row.author ?? row.actor ?? "unknown",
            reason: row.reason ?? null,
            changes: [{ field: "place", before: place, after }]
          })
          place = after
          count += 1
          if (newest.length > bounded(limit)) newest.shift()
        }
      }
    }
    return { items: newest.toReversed(), more: count > newest.length }
  }, readers.withPermits(1))
})

/** Hosts the trees of categories on a runner. */
export const CategoryTreeLive = Layer.unwrap(
  Effect.map(makeHistory, (History) =>
    EventSourced.layer(CategoryTree, CategoryTreeState, {
      id: CategoryTreeId,
      maxIdleTime: "1 hour",
      mailboxCapacity: 4_096,
      handlers: { History }
    })
  )
)
