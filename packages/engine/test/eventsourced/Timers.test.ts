import { assert, it, layer } from "@effect/vitest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { SqlClient } from "effect/sql"
import { type DueTimer, JournalStore } from "@halles/engine/journal/JournalStore"
import { WrittenTimers } from "@halles/engine/journal/WrittenTimers"
import * as EngineTables from "../EngineTables.ts"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import { Notice } from "@halles/shared/Notice"
import { redriveMs } from "@halles/engine/eventsourced/ArmedTimer"
import * as Timers from "@halles/engine/eventsourced/Timers"

const Test = Layer.merge(JournalStore.layer, ShardEpochs.layer("test-runner")).pipe(
  Layer.provideMerge(EngineTables.layer),
  Layer.provideMerge(PgTest.layer("timers"))
)

layer(Test, { excludeTestServices: true, timeout: "30 seconds" })("Timers", (it) => {
  it.effect(
    "fire at once for what was under way in a shard that was taken over, and nothing else before its time",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const epochs = yield* ShardEpochs
        const woken: Array<string> = []
        const timer = (id: string, shard: number, inMs: number) =>
          sql`
          INSERT INTO timer (entity_type, entity_id, shard, due_at)
          VALUES ('Order', ${id}, ${shard}, now() + make_interval(secs => ${String(inMs / 1000)}::text::double precision))`
        const dueAt = Date.now() + redriveMs - 100
        yield* timer("saga", 5, redriveMs - 100)
        yield* timer("tomorrow", 5, 86_400_000)
        yield* timer("elsewhere", 6, redriveMs - 100)
        yield* Effect.forkChild(Timers.run((_, id) => Effect.sync(() => woken.push(id))))

        const wokenTimes = (times: number) =>
          Effect.repeat(Effect.sleep("20 millis"), { until: () => woken.length >= times })
        yield* epochs.raise([5])
        yield* wokenTimes(1)
        assert.deepStrictEqual(woken, ["saga"])
        assert.isBelow(Date.now(), dueAt, "before its timer is due")
        // It lost the shard and has it again: whatever was refused in between goes on too.
        yield* epochs.raise([5])
        yield* wokenTimes(2)
        assert.deepStrictEqual(woken, ["saga", "saga"])
        yield* Effect.sleep(500)
        assert.lengthOf(woken, 2, "once for each time that it was taken")
      })
  )
})

it.effect("those that a full look found and did not fire are looked for again at once", () =>
  Effect.gen(function* () {
    const due = new Map<string, DueTimer>()
    const dueTimers: JournalStore["Service"]["dueTimers"] = (_shards, _now, limit, after) =>
      Effect.sync(() =>
        [...due.values()].filter(({ entityId }) => after === null || entityId > after.entityId).slice(0, limit)
      )
    const store = { dueTimers, writtenTimers: new WrittenTimers() } as unknown as JournalStore["Service"]
    const owned = { owned: () => [5], current: () => 1, raised: new Notice() }
    const epochs = owned as unknown as ShardEpochs["Service"]
    yield* Timers.run((_, id) => Effect.sync(() => due.delete(id))).pipe(
      Effect.provideService(JournalStore, store),
      Effect.provideService(ShardEpochs, epochs),
      Effect.forkChild
    )
    yield* TestClock.adjust(Timers.everyMs)
    for (let nth = 0; nth < Timers.rowsMax; nth++) {
      const entityId = `eu_${String(nth).padStart(3, "0")}`
      due.set(entityId, { entityType: "Order", entityId, shard: 5, dueAt: 0 })
    }
    yield* store.writtenTimers.noting(Effect.void, [{ dueAt: 1 }])
    yield* TestClock.adjust(Timers.everyMs)
    assert.strictEqual(due.size, Timers.rowsMax - Timers.firingMax)
    yield* TestClock.adjust(3 * Timers.everyMs)
    assert.strictEqual(due.size, 0)
  })
)
