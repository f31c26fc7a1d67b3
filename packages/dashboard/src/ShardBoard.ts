import type * as Json from "@halles/http/operator/OperatorJson"
import { signal } from "@preact/signals"

/** One shard, as the map draws it. */
export interface Shard {
  readonly region: string
  readonly shard: number
  readonly runner: string | null
  readonly holder: string | null
  readonly epoch: number | null
  readonly epochAgeMs: number | null
  readonly callsPerSecond: number
  readonly lagMs: number
  readonly parked: number
  /** When this page saw it change hands last; 0 for never. */
  readonly movedAt: number
}

type Shards = typeof Json.Shards.Type
type Row = typeof Json.ShardRow.Type

/** Every shard by region and number; the stream tells all of them first and then those that changed. */
export class ShardBoard {
  readonly version = signal(0)
  readonly #regions = new Map<string, Map<number, Shard>>()

  get regions(): ReadonlyArray<string> {
    return [...this.#regions.keys()]
  }

  of(region: string): ReadonlyArray<Shard> {
    return [...(this.#regions.get(region)?.values() ?? [])]
  }

  find(region: string, shard: number): Shard | undefined {
    return this.#regions.get(region)?.get(shard)
  }

  take({ regions }: Shards): void {
    const now = performance.now()
    for (const { region, rows } of regions) {
      const known = this.#regions.get(region) ?? new Map<number, Shard>()
      this.#regions.set(region, known)
      const isNew = known.size === 0
      for (const row of rows) known.set(row[0], shard(region, row, known.get(row[0]), now))
      // Numbers may arrive in any order, once; afterwards rows change in their place.
      if (isNew) this.#regions.set(region, new Map([...known].toSorted(([a], [b]) => a - b)))
    }
    this.version.value += 1
  }
}

const shard = (region: string, row: Row, before: Shard | undefined, now: number): Shard => {
  const [number, runner, holder, epoch, epochAgeMs, callsPerSecond, lagMs, parked] = row
  const moved = before !== undefined && before.holder !== holder
  const movedAt = moved ? now : (before?.movedAt ?? 0)
  return { region, shard: number, runner, holder, epoch, epochAgeMs, callsPerSecond, lagMs, parked, movedAt }
}
