import { Outbox } from "@halles/engine/journal/Outbox"
import { Effect } from "effect"
import { type Row, type Tables, keyOf } from "./Tables.ts"
import type { Connection } from "./Store.ts"
import type { Process, World } from "./World.ts"

/** What was published: the events of each entry, by entity and seq, as text. */
export type Published = Map<string, string>

type Committed = Parameters<Outbox["Service"]["publishUnsafe"]>[0]

const publish = (published: Published, key: string, seq: number, events: string) =>
  published.set(`${key} ${seq}`, events)

/**
 * The region's event stream as one runner reaches it, with the promise of `Outbox.ts`: a batch is published after its
 * commit, and its marker goes when all of it has been: with the next batch of the runner, or by itself.
 */
export const make = (
  world: World,
  process: Process,
  tables: Tables,
  published: Published,
  connection: Connection
): Outbox["Service"] => {
  const publishLate = (batch: bigint, rows: ReadonlyArray<Row>) => {
    for (const row of rows) {
      publish(published, keyOf(row.entityType, row.entityId), row.seq, JSON.stringify(row.events))
    }
    tables.markers.delete(batch)
  }
  const marked = new Set<bigint>()
  const publishUnsafe = ({ batch, entries }: Committed) => {
    world.after(world.between(0.1, 3), process, () => {
      for (const { lease, events, seq } of entries) {
        publish(published, keyOf(lease.entityType, lease.entityId), seq, events)
      }
      marked.add(batch)
      world.after(world.between(0.1, 1_000), process, () => {
        if (marked.delete(batch)) tables.markers.delete(batch)
      })
    })
  }
  return Outbox.of({
    publishUnsafe,
    published: {
      take: () => [...marked],
      struckOff: (batches) => {
        for (const batch of batches) marked.delete(batch)
      }
    },
    alarm: () => undefined,
    settled: Effect.void,
    sweep: ({ olderThanMs }) =>
      connection
        .ask("sweep", () => {
          for (const [batch, { at, rows }] of tables.markers) {
            if (at + olderThanMs <= world.now) publishLate(batch, rows)
          }
        })
        .pipe(Effect.ignore)
  })
}
