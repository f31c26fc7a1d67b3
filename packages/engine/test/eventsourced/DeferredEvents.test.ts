import { assert, layer } from "@effect/vitest"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { Busy } from "@halles/engine/eventsourced/EntityErrors"
import type { Model } from "@halles/engine/eventsourced/Model"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { commandFields } from "@halles/shared/Command"
import { CommandId } from "@halles/shared/Ids"
import * as Shard from "@halles/shared/Shard"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer, Result, Schedule, Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"
import * as EngineTables from "../EngineTables.ts"

class Begin extends Schema.TaggedClass<Begin>()("Begin", { ...commandFields }) {}
const View = Schema.Struct({ phase: Schema.String, seq: Schema.Int })
const Errand = Entity.make("Errand", [
  Rpc.make("Begin", { payload: Begin, success: View, error: Busy }),
  Rpc.make("View", { success: View })
])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

type Phase = "none" | "begun" | "fetched" | "brought"
interface State {
  readonly phase: Phase
  readonly resumed: number
}
interface Note {
  readonly _tag: "Note"
  readonly commandId: CommandId
  readonly event: "Fetched" | "Brought"
}
type Command = Begin | Note
const Event = Schema.Union([
  Schema.TaggedStruct("Begun", {}),
  Schema.TaggedStruct("Resumed", {}),
  Schema.TaggedStruct("Fetched", {}),
  Schema.TaggedStruct("Brought", {})
])
type Event = typeof Event.Type
interface PendingStep {
  readonly key: "fetch" | "bring"
}

/** Somebody fetches something, which need not be written, and brings it. */
const model: Model<State, Command, Event, never, PendingStep> = {
  type: "Errand",
  version: 1,
  Event,
  State: Schema.Struct({ phase: Schema.Literals(["none", "begun", "fetched", "brought"]), resumed: Schema.Int }),
  initial: { phase: "none", resumed: 0 },
  decide: ({ phase }, command) => {
    if (command._tag === "Begin") return Result.succeed(phase === "none" ? [{ _tag: "Begun" }] : [])
    return Result.succeed([{ _tag: command.event }])
  },
  evolve: (state, { _tag }) => {
    if (_tag === "Resumed") return { ...state, resumed: state.resumed + 1 }
    const phases = { Begun: "begun", Fetched: "fetched", Brought: "brought" } as const
    return { ...state, phase: phases[_tag] }
  },
  next: ({ phase }) => {
    if (phase === "begun") return { key: "fetch" }
    return phase === "fetched" ? { key: "bring" } : null
  },
  isDeferred: (_, events) => events.every(({ _tag }) => _tag === "Fetched"),
  resumed: ({ phase }) => (phase === "begun" ? [{ _tag: "Resumed" }] : [])
}

/** Steps as they were done, by entity; those of which the way is blocked fail. */
const done: Array<string> = []
const blocked = new Set<string>()

const ErrandLive = EventSourced.layer(Errand, model, {
  id: Schema.String,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 64,
  perform: ({ key }, _state, id) =>
    Effect.suspend((): Effect.Effect<Command, string> => {
      const step = `${id} ${key}`
      done.push(step)
      if (blocked.has(step)) return Effect.fail("the way is blocked")
      const event = key === "fetch" ? ("Fetched" as const) : ("Brought" as const)
      return Effect.succeed({ _tag: "Note" as const, commandId: CommandId.make(`${key}:done`), event })
    }),
  handlers: {
    Begin: (self, payload) => Effect.map(self.handle(payload), ({ seq, state }) => ({ phase: state.phase, seq })),
    View: (self) => Effect.map(self.committed, ({ seq, state }) => ({ phase: state.phase, seq }))
  }
})

const Test = ErrandLive.pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(EngineTables.layer),
  Layer.provideMerge(PgTest.layer("deferred_events"))
)

const begin = new Begin({ commandId: CommandId.make("begin") })
const rowsOf = (id: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql<{ command: string; tags: string }>`
      SELECT command_id AS command, (SELECT string_agg(e->>'_tag', ' ' ORDER BY n)
        FROM jsonb_array_elements(events) WITH ORDINALITY AS x(e, n)) AS tags
      FROM journal WHERE entity_id = ${id} ORDER BY seq`
  )
const until = (id: string, rows: number) =>
  Effect.repeat(rowsOf(id), { until: ({ length }) => length >= rows, schedule: Schedule.spaced("10 millis") })

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("deferred events", (it) => {
  it.effect("are written in the row of those that follow", () =>
    Effect.gen(function* () {
      const errand = (yield* EntityClient.make(Errand))("eu_quick")
      assert.deepStrictEqual(yield* errand.Begin(begin), { phase: "begun", seq: 1 })
      assert.deepStrictEqual(yield* until("eu_quick", 2), [
        { command: "begin", tags: "Begun" },
        { command: "bring:done", tags: "Fetched Brought" }
      ])
      assert.deepStrictEqual(yield* errand.View(), { phase: "brought", seq: 2 })
    })
  )

  it.effect("are written by themselves when nothing follows, and nobody is answered from them before", () =>
    Effect.gen(function* () {
      blocked.add("eu_slow bring")
      const errand = (yield* EntityClient.make(Errand))("eu_slow")
      yield* errand.Begin(begin)
      yield* Effect.repeat(Effect.yieldNow, { until: () => done.includes("eu_slow bring") })
      const { phase, seq } = yield* errand.View()
      assert.strictEqual(phase, seq === 1 ? "begun" : "fetched")
      assert.deepStrictEqual((yield* until("eu_slow", 2)).at(-1), { command: "fetch:done", tags: "Fetched" })
      assert.deepStrictEqual(yield* errand.View(), { phase: "fetched", seq: 2 })
      blocked.clear()
      assert.deepStrictEqual((yield* until("eu_slow", 3)).at(-1), { command: "bring:done", tags: "Brought" })
    })
  )

  it.effect("come about again after a crash, and whoever goes on knows that some may be missing", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      blocked.add("eu_crash fetch")
      const errand = (yield* EntityClient.make(Errand))("eu_crash")
      yield* errand.Begin(begin)
      yield* Effect.repeat(Effect.yieldNow, { until: () => done.includes("eu_crash fetch") })
      yield* sql`SELECT count(*) FROM shard_epoch_raise((SELECT array_agg(shard) FROM shard_epoch), 'crash')`
      blocked.clear()
      yield* Effect.repeat(errand.View(), {
        until: ({ phase }) => phase === "brought",
        schedule: Schedule.spaced("20 millis")
      })
      const { tags } = (yield* rowsOf("eu_crash")).at(-1)!
      assert.strictEqual(tags, "Resumed Fetched Brought")
    })
  )
})
