import { assert, layer } from "@effect/vitest"
import { CommandId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer, Logger, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import type { Sharding } from "effect/cluster"
import * as Domains from "../src/Domains.ts"
import * as Invariants from "../src/laws/Invariants.ts"
import { layerRegion } from "../src/Migrations.ts"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { cartSubject } from "./CartSubject.ts"
import { orderSubject } from "./OrderSubject.ts"
import { crash, pair, sequences, type Step, type Subject } from "./ModelPair.ts"
import * as Subjects from "./ModelSubjects.ts"

const Database = (name: string) => layerRegion.pipe(Layer.provideMerge(PgTest.layer(name)))

/** A runner with all entities; each refused batch is an alarm in the log, and there are hundreds. */
const runner = (owner: string) =>
  Domains.layer.pipe(
    Layer.provide(Subjects.Companies),
    Layer.provideMerge(TestCluster.layer(owner)),
    Layer.provide(Logger.layer([]))
  )

type Make<State, Command extends { readonly commandId: CommandId; readonly _tag: string }, Event, PendingStep> = (
  n: number
) => Effect.Effect<Subject<State, Command, Event, PendingStep>, never, Sharding.Sharding>

/** Fires the timer of whatever has one, as the timers of a runner do, but at once; stock stays, whose timer has its own time. */
const timers = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const fire = yield* Domains.makeTimers("eu")
  let woken = 0
  while (true) {
    yield* Effect.sleep("250 millis")
    const due = yield* sql<{ type: string; id: string }>`
      SELECT entity_type AS type, entity_id AS id FROM timer WHERE entity_type <> 'Sku'`
    yield* Effect.forEach(
      due,
      ({ id, type }) => fire(type, id, new TimerFired({ commandId: CommandId.make(`timer:${(woken += 1)}`) })),
      { concurrency: "unbounded", discard: true }
    ).pipe(Effect.timeout("2 seconds"), Effect.ignore)
  }
})

const onRunner = <A, E, R>(owner: string, effect: Effect.Effect<A, E, R>) =>
  Effect.raceFirst(effect, timers).pipe(Effect.provide(runner(owner)))

/** Sequences go side by side: a crash of one hits the others in the middle of what they do. */
const sameAnswers = Effect.fnUntraced(function* <
  State,
  Command extends { readonly commandId: CommandId; readonly _tag: string },
  Event,
  PendingStep
>(make: Make<State, Command, Event, PendingStep>, seed: number, kindsMin: number) {
  const one = (steps: ReadonlyArray<Step>, n: number) =>
    Effect.gen(function* () {
      const both = pair(yield* make(n))
      const done = yield* Effect.forEach(steps, both.step)
      yield* both.compare("at the end")
      return { both, done }
    })
  const ended = yield* onRunner("first", Effect.forEach(sequences(seed), one, { concurrency: "unbounded" }))
  const kinds = new Set(ended.flatMap(({ done }) => done.map(({ refused, tag }) => `${tag} ${refused}`)))
  assert.isAtLeast(kinds.size, kindsMin, [...kinds].join(", "))
  /** Nothing is left in memory: the next runner has the journal only. */
  yield* onRunner(
    "second",
    Effect.forEach(ended, ({ both }, n) =>
      Effect.flatMap(make(n), (subject) => both.compare("on another runner", subject.view))
    )
  )
})

const snapshotOf = (type: string, id: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql<{ seq: number }>`SELECT seq FROM snapshot WHERE entity_type = ${type} AND entity_id = ${id}`
  ).pipe(Effect.map(([row]) => row?.seq ?? 0))

/** Beyond a snapshot: a crash, late repeats of commands that are older than it, and then a passivation. */
const sameAfterSnapshot = Effect.fnUntraced(function* <
  State,
  Command extends { readonly commandId: CommandId; readonly _tag: string },
  Event,
  PendingStep
>(make: Make<State, Command, Event, PendingStep>, seed: number) {
  const n = 90
  const [steps, more] = [sequences(seed, 1, 600, 600)[0]!, sequences(seed + 1, 1, 45, 45)[0]!]
  const both = yield* onRunner(
    "first",
    Effect.gen(function* () {
      const both = pair(yield* make(n))
      for (const step of steps) {
        yield* both.step({ ...step, crash: "no", ...(both.now().seq === 0 ? { units: 9, again: "new" } : {}) })
        if (both.now().seq >= 220) break
      }
      assert.isAtLeast(both.now().seq, 220)
      const { id, type } = both
      yield* snapshotOf(type, id).pipe(
        Effect.filterOrFail((seq) => seq >= 200),
        Effect.retry(Schedule.spaced("20 millis"))
      )
      yield* crash
      for (const step of more) yield* both.step(step)
      for (const earlier of [0, 1, 2, 250]) yield* both.step({ ...more[0]!, again: "same", earlier, crash: "before" })
      for (const step of more.filter(({ again }) => again === "new")) yield* both.step({ ...step, crash: "no" })
      yield* both.compare("after a crash beyond its snapshot")
      return both
    })
  )
  assert.strictEqual(yield* snapshotOf(both.type, both.id), both.now().seq, "of the passivation")
  yield* onRunner(
    "second",
    Effect.gen(function* () {
      const subject = yield* make(n)
      yield* both.compare("from the snapshot", subject.view)
      const again = both.on(subject)
      for (const step of more) yield* again.step({ ...step, crash: "no" })
      yield* again.compare("after it went on from the snapshot")
    })
  )
})

const lasting = { lasts: true } as const

layer(Database("entities"), { excludeTestServices: true, timeout: "60 seconds" })("an entity and its model", (it) => {
  it.effect("Product", () => sameAnswers(Subjects.product, 1, 3), 60_000)
  it.effect("Customer", () => sameAnswers(Subjects.customer, 2, 8), 60_000)
  it.effect("Sku", () => sameAnswers(Subjects.sku, 3, 10), 60_000)
  it.effect("Payment", () => sameAnswers(Subjects.payment, 4, 6), 60_000)
  it.effect("Shipment", () => sameAnswers(Subjects.shipment, 5, 5), 60_000)
  it.effect("Cart", () => sameAnswers(cartSubject, 6, 18), 60_000)
  it.effect("Sku beyond a snapshot", () => sameAfterSnapshot((n) => Subjects.sku(n, lasting), 7), 60_000)
  it.effect("Cart beyond a snapshot", () => sameAfterSnapshot((n) => cartSubject(n, lasting), 8), 60_000)
})

layer(Database("entities_order"), { excludeTestServices: true, timeout: "60 seconds" })(
  "all entities together",
  (it) => {
    it.effect(
      "Order, and in the end the books balance",
      () =>
        Effect.gen(function* () {
          yield* sameAnswers(orderSubject, 9, 8)
          // What the carrier has said may still be on its way to the order.
          const { found, rows } = yield* Invariants.check({ graceMs: 0, running: true }).pipe(
            Effect.repeat({
              until: ({ found }) => found.length === 0,
              schedule: Schedule.spaced("200 millis").pipe(Schedule.upTo({ times: 50 }))
            })
          )
          assert.deepStrictEqual(found, [])
          assert.isAbove(rows, 100)
        }),
      60_000
    )
  }
)
