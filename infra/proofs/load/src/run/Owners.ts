import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { nowMs } from "../workload/Generator.ts"

/** Which runner held which shard when, seen from outside. Shards are named `eu/17`. */
export class Owners {
  readonly #changes = new Map<string, Array<{ readonly atMs: number; readonly runner: string }>>()
  readonly #runners = new Set<string>()

  note(atMs: number, shard: string, runner: string): void {
    const changes = this.#changes.get(shard) ?? []
    if (changes.at(-1)?.runner === runner) return
    changes.push({ atMs, runner })
    this.#changes.set(shard, changes)
    this.#runners.add(runner)
  }

  /** Who held the shard last at that moment; who took it first, before anybody was seen to. */
  at(shard: string, atMs: number): string | null {
    const changes = this.#changes.get(shard)
    return (changes?.findLast((change) => change.atMs <= atMs) ?? changes?.[0])?.runner ?? null
  }

  /** Shards that changed hands in a span of time. */
  moved(fromMs: number, toMs: number): number {
    return [...this.#changes.values()].filter((changes) =>
      changes.slice(1).some(({ atMs }) => atMs >= fromMs && atMs < toMs)
    ).length
  }

  get runners(): ReadonlyArray<string> {
    return [...this.#runners].toSorted()
  }
}

const lookEvery = "200 millis"

/** Follows the placement of shards for as long as the scope lasts. */
export const follow = Effect.fnUntraced(function* (controlUrl: string) {
  const owners = new Owners()
  const clock = yield* Clock.Clock
  const look = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ region: string; shard: number; holder: string | null }>`
      SELECT region, shard, holder FROM shard_placement`
    const atMs = nowMs(clock)
    for (const { holder, region, shard } of rows) if (holder !== null) owners.note(atMs, `${region}/${shard}`, holder)
  })
  yield* look
    .pipe(
      // A server that is being killed answers at the next look.
      Effect.ignore,
      Effect.andThen(Effect.sleep(lookEvery)),
      Effect.forever,
      Effect.provide(
        PgClient.layer({
          url: Redacted.make(controlUrl),
          applicationName: "halles:load:placement",
          maxConnections: 1
        })
      )
    )
    .pipe(Effect.forkScoped)
  return owners
})
