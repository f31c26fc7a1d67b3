import { RegionDatabases } from "@halles/entities/routes/Reads"
import { type Region, regions } from "@halles/shared/Region"
import { Context, Effect, Layer } from "effect"

/** Facts are no older than this; however many look, a database is asked once. */
const freshFor = "1 second"
/** A database that takes longer is shown as one that does not answer. */
const answerMsMax = 2_000

/** What a region's database says of how it goes on. */
export interface Facts {
  readonly epochs: ReadonlyMap<number, { readonly epoch: number; readonly at: number }>
  /** The oldest overdue timer of each shard that has one, in milliseconds. */
  readonly overdue: ReadonlyMap<number, number>
  readonly outboxLagMs: number
  /** Sagas with a pending step, by their timers. */
  readonly sagaBacklog: number
  /** Parked entities, by shard. */
  readonly parked: ReadonlyMap<number, number>
}

/** What the databases of the regions say, `null` for one that does not answer in time. */
export class RegionFacts extends Context.Service<
  RegionFacts,
  { readonly of: (region: Region) => Effect.Effect<Facts | null> }
>()("@halles/http/Operator/RegionFacts") {
  static readonly layer: Layer.Layer<RegionFacts, never, RegionDatabases> = Layer.effect(
    RegionFacts,
    Effect.gen(function* () {
      const databases = yield* RegionDatabases
      const read = Effect.fn("RegionFacts.read")(function* (region: Region) {
        const sql = databases.of(region)
        const epochs = yield* sql<{ shard: number; epoch: number; at: number }>`
          SELECT shard, epoch, (extract(epoch FROM at) * 1000)::double precision AS at FROM shard_epoch`
        const overdue = yield* sql<{ shard: number; ms: number }>`
          SELECT shard, (extract(epoch FROM now() - min(due_at)) * 1000)::double precision AS ms
          FROM timer WHERE due_at < now() GROUP BY shard`
        const parked = yield* sql<{ shard: number; entities: number }>`
          SELECT shard, count(*)::int AS entities FROM parked_entity GROUP BY shard`
        const [row] = yield* sql<{ unpublished: number | null; unfinished: number }>`
          SELECT (SELECT (extract(epoch FROM now() - min(at)) * 1000)::double precision FROM outbox_batch) AS unpublished,
            (SELECT count(*)::int FROM timer WHERE entity_type IN ('Order', 'Payment', 'Shipment')) AS unfinished`
        return {
          epochs: new Map(epochs.map(({ shard, ...epoch }) => [shard, epoch])),
          overdue: new Map(overdue.map(({ ms, shard }) => [shard, ms])),
          outboxLagMs: Math.max(0, row?.unpublished ?? 0),
          sagaBacklog: row?.unfinished ?? 0,
          parked: new Map(parked.map(({ entities, shard }) => [shard, entities]))
        } satisfies Facts
      })
      const cached = new Map<Region, Effect.Effect<Facts | null>>()
      for (const region of regions) {
        const answered = read(region).pipe(
          Effect.timeout(answerMsMax),
          Effect.catch((error) =>
            Effect.as(Effect.logWarning(`The database of ${region} does not answer`, error._tag), null)
          )
        )
        cached.set(region, yield* Effect.cachedWithTTL(answered, freshFor))
      }
      return { of: (region) => cached.get(region)! }
    })
  )
}
