import { assert, layer } from "@effect/vitest"
import { commandFields } from "@halles/shared/Command"
import { CommandId } from "@halles/shared/Ids"
import { EntityParked } from "@halles/engine/activation/Parking"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as Hosting from "@halles/engine/activation/ActivationDirectory"
import { ActivationDirectory } from "@halles/engine/activation/ActivationDirectory"
import * as Shard from "@halles/shared/Shard"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Cause, Effect, Exit, Fiber, Layer, Result, Schedule, Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"
import { Busy, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as EngineTables from "../EngineTables.ts"
import type { Model } from "@halles/engine/eventsourced/Model"
import * as Parking from "@halles/engine/activation/ParkedEntities"
import * as TestCluster from "@halles/engine/testing/TestCluster"

/** `kind` says what is wrong with it, if anything is. */
class Add extends Schema.TaggedClass<Add>()("Add", {
  ...commandFields,
  kind: Schema.Literals(["good", "dies", "kills", "unapplied", "asks"])
}) {}

const Tally = Entity.make("Tally", [
  Rpc.make("Add", { payload: Add, success: Schema.Int, error: Schema.Union([Busy, PreconditionFailed]) }),
  Rpc.make("Total", { success: Schema.Int }),
  Rpc.make("Hang", { payload: Schema.Struct({ commandId: Schema.String }), success: Schema.Int }),
  Rpc.make("Wait", {})
])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

const Added = Schema.TaggedStruct("Added", { kind: Schema.String })
const model: Model<
  { total: number; isPending: boolean; asks: boolean },
  Add,
  typeof Added.Type,
  never,
  { key: string }
> = {
  type: "Tally",
  version: 1,
  Event: Added,
  State: Schema.Struct({ total: Schema.Int, isPending: Schema.Boolean, asks: Schema.Boolean }),
  initial: { total: 0, isPending: false, asks: false },
  decide: (_, { kind }) => {
    if (kind === "dies") throw new Error("decided nothing for ada@example.org")
    return Result.succeed([{ _tag: "Added", kind }])
  },
  evolve: (state, { kind }) => {
    if (kind === "unapplied") throw new Error("not to be applied")
    return { total: state.total + 1, isPending: kind === "kills", asks: kind === "asks" }
  },
  next: ({ asks, isPending }) => {
    if (isPending) throw new Error("nobody knows what is owed")
    return asks ? { key: "ask" } : null
  }
}

let hanging = true
const TallyLive = EventSourced.layer(Tally, model, {
  id: Schema.String,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 256,
  patient: ["Wait"],
  perform: () => Effect.fail(new Busy()),
  handlers: {
    Add: (self, payload) => Effect.map(self.handle(payload), ({ state }) => state.total),
    Total: (self) => Effect.map(self.committed, ({ state }) => state.total),
    Hang: (self) => (hanging ? Effect.never : Effect.map(self.committed, ({ state }) => state.total)),
    Wait: () => Effect.never
  }
})

/** Waits for something while it is made that never comes, until somebody mends it. */
const Slow = Entity.make("Slow", [Rpc.make("Ask", { success: Schema.Int })])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)
let unmade = true
const SlowLive = Hosting.layer(Slow, {
  maxIdleTime: "5 minutes",
  mailboxCapacity: 256,
  activate: ({ entityId }) =>
    unmade && entityId === "eu_unmade" ? Effect.never : Effect.succeed({ close: () => Effect.void }),
  handlers: { Ask: () => Effect.succeed(1) }
})

/** Looks are near each other, so that a test need not wait. */
const watching = Layer.effectDiscard(
  Parking.watch.pipe(Effect.provideService(Parking.Patience, { everyMs: 100, hungMs: 600 }), Effect.forkScoped)
)
const Test = Layer.mergeAll(TallyLive, SlowLive, watching).pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(EngineTables.layer),
  Layer.provideMerge(PgTest.layer("parking"))
)

let commands = 0
const add = (kind: Add["kind"] = "good") => new Add({ commandId: CommandId.make(`c${++commands}`), kind })
const hang = () => ({ commandId: `h${++commands}` })

const within = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.timeout(effect, "10 seconds")
const refusedWith = (exit: Exit.Exit<unknown, unknown>) => (Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined)
const hasParked = (exit: Exit.Exit<unknown, unknown>) => refusedWith(exit) instanceof EntityParked
const sibling = (id: string) =>
  Array.from({ length: 1_000 }, (_, index) => `eu_beside${index}`).find(
    (other) => Shard.shardOf(other) === Shard.shardOf(id)
  )!

const parkedRow = (id: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{
      cause: string
      tries: number
    }>`SELECT cause, tries FROM parked_entity WHERE entity_id = ${id}`
    return rows[0]
  }).pipe(Effect.repeat({ until: (row) => row !== undefined, schedule: Schedule.spaced("50 millis") }), within)

const resume = (id: string, type = "Tally") =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => Parking.resume(sql, type, id))

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("Parking", (it) => {
  it.effect(
    "an entity whose history cannot be read is parked, refuses, and works again once it is repaired and resumed",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const clientOf = yield* EntityClient.make(Tally)
        const tally = clientOf("eu_poisoned")
        const beside = clientOf(sibling("eu_poisoned"))
        yield* beside.Add(add())
        yield* sql`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES ('Tally', 'eu_poisoned', 1, 'bad', '[{"_tag":"Nonsense"}]', '{"v":1}', ${Shard.shardOf("eu_poisoned")}, 1, now())`
        yield* Effect.forkChild(Effect.exit(tally.Total()))
        const row = yield* parkedRow("eu_poisoned")
        assert.strictEqual(row!.tries, 5)
        assert.match(row!.cause, /SchemaError/)
        assert.strictEqual(yield* within(beside.Add(add())), 2)
        yield* within(Effect.repeat(Effect.exit(tally.Total()), { until: hasParked }))
        assert.isTrue(hasParked(yield* Effect.exit(tally.Add(add()))))

        yield* sql`UPDATE journal SET events = '[{"_tag":"Added","kind":"good"}]' WHERE entity_id = 'eu_poisoned'`
        assert.isTrue(hasParked(yield* Effect.exit(tally.Total())))
        assert.isTrue(yield* resume("eu_poisoned"))
        assert.isFalse(yield* resume("eu_poisoned"))
        const total = yield* within(Effect.retry(tally.Total(), Schedule.spaced("50 millis")))
        assert.strictEqual(total, 1)
        assert.strictEqual(yield* tally.Add(add()), 2)
      })
  )

  it.effect(
    "a command that kills is given up after three deaths; its entity goes on, and is parked if all commands kill",
    () =>
      Effect.gen(function* () {
        const clientOf = yield* EntityClient.make(Tally)
        const tally = clientOf("eu_deadly")
        yield* tally.Add(add())
        assert.isTrue(Exit.isFailure(yield* within(Effect.exit(tally.Add(add("dies"))))))
        assert.strictEqual(yield* within(tally.Add(add())), 2)
        assert.isTrue(Exit.isFailure(yield* within(Effect.exit(tally.Add(add("unapplied"))))))
        assert.strictEqual(yield* within(tally.Add(add())), 3)
        yield* within(Effect.exit(tally.Add(add("dies"))))
        yield* within(Effect.exit(tally.Add(add("dies"))))
        const row = yield* parkedRow("eu_deadly")
        assert.match(row!.cause, /decided nothing for <e-mail> \(packages\/engine\/test\/activation\/Parking.test.ts:/)
        assert.isTrue(hasParked(yield* within(Effect.exit(tally.Total()))))
        yield* resume("eu_deadly")
        assert.strictEqual(yield* within(Effect.retry(tally.Add(add()), Schedule.spaced("50 millis"))), 4)
      })
  )

  it.effect("an entity that dies of what it has committed takes nobody with it", () =>
    Effect.gen(function* () {
      const clientOf = yield* EntityClient.make(Tally)
      yield* Effect.exit(clientOf("eu_killed").Add(add("kills"))).pipe(within)
      assert.strictEqual(yield* within(clientOf("eu_unharmed").Add(add())), 1)
      yield* Effect.forkChild(Effect.exit(clientOf("eu_killed").Add(add())))
      assert.match((yield* parkedRow("eu_killed"))!.cause, /nobody knows what is owed/)
    })
  )

  it.effect("an entity that hangs is parked after the second time; who waits on purpose is left alone", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const clientOf = yield* EntityClient.make(Tally)
      const tally = clientOf("eu_hung")
      yield* tally.Add(add())
      const patient = clientOf("eu_patient")
      yield* patient.Add(add())
      yield* Effect.forkChild(patient.Wait(), { startImmediately: true })
      yield* Effect.forkChild(Effect.exit(tally.Hang(hang())), { startImmediately: true })
      assert.strictEqual(yield* within(clientOf(sibling("eu_hung")).Add(add())), 1)
      const row = yield* parkedRow("eu_hung")
      assert.match(row!.cause, /Hang did not return within/)
      assert.strictEqual(row!.tries, 2)
      assert.isTrue(hasParked(yield* within(Effect.exit(tally.Total()))))
      const alarms = yield* within(
        Effect.repeat(
          sql`SELECT detail FROM alarm WHERE kind = 'entity_parked' AND detail->>'entity' = 'Tally/eu_hung'`,
          {
            until: (rows) => rows.length > 0,
            schedule: Schedule.spaced("50 millis")
          }
        )
      )
      assert.strictEqual(alarms.length, 1)
      assert.strictEqual(yield* patient.Total(), 1)
      hanging = false
      yield* resume("eu_hung")
      assert.strictEqual(yield* within(Effect.retry(tally.Hang(hang()), Schedule.spaced("50 millis"))), 1)
    })
  )

  it.effect("an entity whose making hangs is parked, and who waits for it is told; mended and resumed it is made", () =>
    Effect.gen(function* () {
      const clientOf = yield* EntityClient.make(Slow)
      const slow = clientOf("eu_unmade")
      const waiting = yield* Effect.forkChild(Effect.exit(slow.Ask()), { startImmediately: true })
      assert.strictEqual(yield* within(clientOf(sibling("eu_unmade")).Ask()), 1)
      const row = yield* parkedRow("eu_unmade")
      assert.match(row!.cause, /activation did not return within/)
      assert.strictEqual(row!.tries, 2)
      assert.isTrue(hasParked(yield* within(Fiber.join(waiting))))
      assert.isTrue(hasParked(yield* within(Effect.exit(slow.Ask()))))
      unmade = false
      yield* resume("eu_unmade", "Slow")
      assert.strictEqual(yield* within(Effect.retry(slow.Ask(), Schedule.spaced("50 millis"))), 1)
    })
  )

  it.effect("an entity tells what it owes, how often it has tried, and what came of it, until it owes it no more", () =>
    Effect.gen(function* () {
      const clientOf = yield* EntityClient.make(Tally)
      const { find } = yield* ActivationDirectory
      const tries = () => find("Tally", "eu_asking")?.self?.tries ?? null
      yield* clientOf("eu_asking").Add(add())
      assert.isNull(tries())
      yield* clientOf("eu_asking").Add(add("asks"))
      const tried = yield* within(
        Effect.repeat(Effect.sync(tries), {
          until: (one) => (one?.attempts ?? 0) > 1,
          schedule: Schedule.spaced("20 millis")
        })
      )
      assert.deepInclude(tried, { step: "ask", lastError: "Busy" })
      yield* clientOf("eu_asking").Add(add())
      yield* within(
        Effect.repeat(Effect.sync(tries), { until: (one) => one === null, schedule: Schedule.spaced("20 millis") })
      )
    })
  )

  it.effect("stays parked when its shard is taken over, and its timer waits", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const clientOf = yield* EntityClient.make(Tally)
      const shard = Shard.shardOf("eu_elsewhere")
      // Another runner parked it: this one has never seen it.
      yield* sql`
        INSERT INTO parked_entity (entity_type, entity_id, shard, cause, tries, runner)
        VALUES ('Tally', 'eu_elsewhere', ${shard}, 'Error: elsewhere', 5, 'eu-9')`
      yield* sql`
        INSERT INTO timer (entity_type, entity_id, shard, due_at) VALUES ('Tally', 'eu_elsewhere', ${shard}, now())`
      yield* within(Effect.exit(clientOf("eu_elsewhere").Add(add())))
      assert.isTrue(hasParked(yield* within(Effect.exit(clientOf("eu_elsewhere").Add(add())))))
      const rows = yield* sql`SELECT 1 FROM journal WHERE entity_id = 'eu_elsewhere'`
      assert.strictEqual(rows.length, 0)
    })
  )
})
