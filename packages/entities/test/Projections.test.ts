import { assert, describe, it, layer } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { CommandId, OrderId, SkuCode, SkuId, WarehouseId } from "@halles/shared/Ids"
import { Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Arbitrary, Effect, Fiber, HashMap, Layer, Result, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { tables } from "../src/Domains.ts"
import * as Migrations from "../src/Migrations.ts"
import {
  Cancel,
  NoteDelivered,
  NoteDispatched,
  NoteDispute,
  NoteReturnReceived,
  Operate,
  Place,
  RequestReturn
} from "../src/order/Order.ts"
import { statusOf } from "../src/order/OrderAnswers.ts"
import { pendingSteps } from "../src/order/OrderPendingStep.ts"
import * as OrderState from "../src/order/OrderState.ts"
import { ProductTable } from "../src/catalogue/ProductTable.ts"
import { follow } from "@halles/engine/projections/Follower"
import { OrderTable } from "../src/order/OrderTable.ts"
import * as Projection from "@halles/engine/projections/Projection"
import * as ProjectionTables from "@halles/engine/projections/ProjectionTables"
import { StockTable } from "../src/inventory/StockTable.ts"
import { Adjust, AllowBackOrder, Hold, Receive, Release, Restock, Ship } from "../src/inventory/Sku.ts"
import * as SkuState from "../src/inventory/SkuState.ts"
import { address } from "./Carts.ts"

/** Choices of a random walk: which command, and one number for it. */
const Walk = Arbitrary.array(
  Arbitrary.schema(
    Schema.Tuple([
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 11 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
    ])
  ),
  { minLength: 10, maxLength: 60 }
)

const commandId = CommandId.make("c")
const skus = [SkuCode.make("TEA"), SkuCode.make("CUP")] as const
const place = new Place({
  commandId,
  cartId: "eu_1",
  attempt: 1,
  customerId: null,
  currency: "GBP",
  lines: skus.map((sku) => ({ sku, variant: "", title: sku, quantity: 3, unitPrice: 100, taxRate: 0 })),
  charges: [],
  discount: 0,
  totals: { goods: 600, charges: 0, tax: 0, total: 600 },
  email: "ada@example.org",
  shippingAddress: address,
  paymentToken: "tok_ok"
} as unknown as ConstructorParameters<typeof Place>[0])

/** Mostly what the order waits for, sometimes what a customer or the carrier does. */
const orderCommand = (state: OrderState.State, choice: number, number: number): OrderState.Command => {
  const returnId = `r${number}`
  switch (choice) {
    case 0:
      return new Cancel({ commandId, reason: "mine" })
    case 1:
      return new NoteDispatched({ commandId })
    case 2:
      return new NoteDelivered({ commandId })
    case 3:
    case 4: {
      const lines = [{ sku: skus[number % 2]!, variant: "", quantity: (number % 3) + 1 }]
      return new RequestReturn({ commandId, returnId, lines, reason: "", disposition: "restock" })
    }
    case 5:
      return new NoteReturnReceived({ commandId, returnId })
    case 6:
      return number % 2 === 0
        ? new Operate({ commandId, act: number % 4 === 0 ? "retry" : "skip", note: "looked after" })
        : new NoteDispute({ commandId, what: number % 3 === 0 ? "won" : "charged_back", reference: "d", amount: 10 })
    default: {
      const outcomes: ReadonlyArray<OrderState.Outcome> = [
        held(0),
        { _tag: "Booked", trackingNumbers: ["T"] },
        { _tag: "Labelled", label: "L" },
        { _tag: "NoStock", missing: [{ sku: skus[0], wanted: 2, available: 1 }] },
        held(number),
        { _tag: "Refused", reason: "no" },
        { _tag: "Refused", reason: "exceeds_captured", refundable: 1 },
        { _tag: "Faulted", reason: "deadly" },
        { _tag: "Done" }
      ]
      const all = pendingSteps(state)
      const pendingStep = all[number % Math.max(1, all.length)]
      const outcome = choice === 11 ? outcomes[number % outcomes.length]! : usual(pendingStep?._tag)
      return { _tag: "Record", commandId, answers: pendingStep?.key ?? "", outcome }
    }
  }
}
/** What is asked for, but for so many units of the first. */
const held = (missing: number): OrderState.Outcome => ({
  _tag: "Held",
  stock: skus.map((sku, index) => ({
    sku,
    allocations: index === 0 && missing >= 3 ? [] : [{ warehouse: main, quantity: index === 0 ? 3 - missing : 3 }]
  }))
})
const usual = (pendingStep: string | undefined): OrderState.Outcome => {
  if (pendingStep === "HoldStock" || pendingStep === "AwaitStock") return held(0)
  if (pendingStep === "BookShipment") return { _tag: "Booked", trackingNumbers: ["T"] }
  return pendingStep === "CollectReturn" ? { _tag: "Labelled", label: "L" } : { _tag: "Done" }
}

const main = WarehouseId.make("eu-main")
const places = [main, WarehouseId.make("eu-west")] as const
const skuCommand = (state: SkuState.State, choice: number, number: number): SkuState.Command => {
  const orderId = OrderId.make(`eu_${number}`)
  const warehouse = places[number % 2]!
  switch (choice) {
    case 0:
    case 1:
      return new Receive({ commandId, warehouse, quantity: number })
    case 2: {
      const now = state.warehouses.find((one) => one.warehouse === warehouse)?.onHand ?? 0
      return new Adjust({
        commandId,
        warehouse,
        expectedOnHand: now,
        onHand: Math.max(0, now + 2 - number),
        reason: "count"
      } as never)
    }
    case 3:
      return new AllowBackOrder({ commandId, allowed: number > 2 })
    case 4:
    case 5:
    case 6:
      return new Hold({ commandId, orderId, quantity: number, ttlMs: 10 })
    case 7: {
      const some = [...HashMap.keys(state.holds)]
      const [needed, over] = [some.filter((_, index) => index % 2 === number % 2), some.slice(0, number)]
      return { _tag: "RecordNeeds", commandId, needed, over, unanswered: [] }
    }
    case 8:
      return new Ship({ commandId, orderId })
    case 9:
      return new Release({ commandId, orderId })
    case 10:
      return new Restock({ commandId, orderId, warehouse, quantity: number })
    default:
      return new TimerFired({ commandId })
  }
}

const decided = <State, Command, Event, Refusal>(
  decide: (state: State, command: Command, now: number) => Result.Result<ReadonlyArray<Event>, Refusal>,
  state: State,
  command: Command,
  now: number
): ReadonlyArray<Event> => Result.getOrElse(decide(state, command, now), () => [])

describe("the folds", () => {
  it.prop("give an order the status and the money that it gives itself", [Walk], ([walk]) => {
    let state = OrderState.initial
    let row: ReturnType<typeof OrderTable.fold> | null = null
    const steps: ReadonlyArray<OrderState.Command | null> = [place, ...walk.map(() => null)]
    steps.forEach((first, index) => {
      const [choice, number] = walk[index - 1] ?? [0, 0]
      const events = decided(OrderState.decide, state, first ?? orderCommand(state, choice, number), index)
      if (events.length === 0) return
      state = events.reduce(OrderState.evolve, state)
      row = OrderTable.fold(row, { at: index, events })
      assert.strictEqual(row.status, statusOf(state), JSON.stringify(events))
      assert.deepStrictEqual(
        [row.authorised, row.captured, row.refunded, row.total],
        [state.authorised, state.captured, state.refunded, 600]
      )
    })
  })

  it.prop("give a SKU the levels that it gives itself", [Walk], ([walk]) => {
    let state = SkuState.initial
    let row: ReturnType<typeof StockTable.fold> | null = null
    walk.forEach(([choice, number], index) => {
      const events = decided(SkuState.decide, state, skuCommand(state, choice, number), index * 3)
      if (events.length === 0) return
      state = events.reduce(SkuState.evolve, state)
      row = StockTable.fold(row, { at: index, events })
      const { backOrderAllowed, totals, warehouses } = SkuState.view(SkuId.make("eu_TEA"), state, index)
      assert.deepStrictEqual(
        row.warehouses,
        warehouses.map(({ available, held, onHand, reserved, warehouse }) => ({
          warehouse,
          onHand,
          held,
          reserved,
          available
        }))
      )
      const { available, back_ordered, held, on_hand, reserved, shipped } = row
      assert.deepStrictEqual(
        { onHand: on_hand, held, reserved, available, shipped, backOrdered: back_ordered },
        { ...totals }
      )
      assert.strictEqual(row.back_order_allowed, backOrderAllowed)
    })
  })
})

interface Stored extends Projection.Entry {
  readonly type: string
}
const product = (id: string, seq: number): Stored => ({
  type: "Product",
  id,
  seq,
  at: 1_700_000_000_000 + seq,
  events: [
    seq % 3 === 0
      ? { _tag: "ProductUnlisted", at: seq }
      : {
          _tag: "ProductListed",
          sku: id.slice(3),
          title: `Mug ${seq}`,
          description: "for tea",
          price: { amount: seq * 100, currency: "GBP", taxRate: 2_000 },
          at: seq
        }
  ]
})
const history = (id: string, length: number) => Array.from({ length }, (_, index) => product(id, index + 1))

const journal = Effect.fnUntraced(function* (entries: ReadonlyArray<Stored>) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
    SELECT type, id, seq, 'c' || seq, events, '{"v":1}', 1, 1, to_timestamp(at / 1000.0)
    FROM jsonb_to_recordset(${JSON.stringify(entries)}::text::jsonb) AS (type text, id text, seq int, events jsonb, at float8)`
})
const clear = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`TRUNCATE journal, product_view, order_view, stock_view, projection`
  yield* sql`INSERT INTO projection (name, version) VALUES ('product', ${ProductTable.version})`
})
const view = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ id: string; seq: number; title: string; listed: boolean }>`
    SELECT id, seq, title, listed, price_amount::text AS price FROM product_view ORDER BY id`
  return rows
})
const expected = (ids: ReadonlyArray<string>, length: number) => ids.map((id) => [id, length])
const seqs = Effect.map(view, (rows) => rows.map(({ id, seq }) => [id, seq]))
const table = Projection.make(ProductTable)

const Database = Migrations.layerRegion.pipe(Layer.provideMerge(PgTest.layer("projections")), Layer.orDie)

layer(Database, { excludeTestServices: true, timeout: "60 seconds" })("a read table", (it) => {
  const ids = ["eu_a", "eu_b", "eu_c"]
  const all = ids.flatMap((id) => history(id, 30))

  it.effect("is the same whatever comes twice, late, or not at all", () =>
    Effect.gen(function* () {
      yield* clear
      yield* journal(all)
      yield* (yield* table).apply(all)
      const whole = yield* view
      assert.deepStrictEqual(yield* seqs, expected(ids, 30))

      yield* (yield* SqlClient.SqlClient)`TRUNCATE product_view`
      const { apply } = yield* table
      for (const part of [
        all.slice(0, 7),
        all.slice(3, 12),
        [all[60]!, all[59]!, all[58]!],
        [all[45]!],
        all,
        all.slice(0, 5)
      ]) {
        yield* apply(part)
      }
      assert.deepStrictEqual(yield* view, whole)

      yield* (yield* SqlClient.SqlClient)`TRUNCATE product_view`
      yield* (yield* table).apply(ids.map((id) => product(id, 30)))
      assert.deepStrictEqual(yield* view, whole)
    })
  )

  it.effect("is the same when two follow it, each of whom remembers what it wrote", () =>
    Effect.gen(function* () {
      yield* clear
      yield* journal(all)
      yield* (yield* table).apply(all)
      const whole = yield* view
      yield* (yield* SqlClient.SqlClient)`TRUNCATE product_view`
      const [one, two] = [yield* table, yield* table]
      for (let at = 0; at < 30; at += 3) {
        yield* (at % 2 === 0 ? one : two).apply(all.filter(({ seq }) => seq > at && seq <= at + 3))
        yield* (at % 4 === 0 ? one : two).apply(all.filter(({ seq }) => seq > at - 2 && seq <= at + 2))
      }
      assert.deepStrictEqual(yield* view, whole)
    })
  )

  it.effect(
    "takes the last of what came twice: a row that was mended and sent again, in one batch with what it was",
    () =>
      Effect.gen(function* () {
        yield* clear
        yield* journal([product("eu_m", 1)])
        const before = { ...product("eu_m", 1), events: [{ nothing: 1 }] }
        const { unfolded } = yield* (yield* table).apply([before, product("eu_m", 1)])
        assert.deepStrictEqual(unfolded, [])
        assert.deepStrictEqual(yield* seqs, expected(["eu_m"], 1))
      })
  )

  it.effect("stops before a row that the journal does not have, sets the entity aside, and goes on with others", () =>
    Effect.gen(function* () {
      yield* clear
      yield* journal([
        product("eu_a", 1),
        product("eu_a", 2),
        product("eu_a", 4),
        product("eu_b", 7),
        product("eu_c", 1)
      ])
      const { unfolded } = yield* (yield* table).apply([
        product("eu_a", 1),
        product("eu_a", 4),
        product("eu_b", 7),
        product("eu_c", 1)
      ])
      assert.deepStrictEqual(yield* seqs, [
        ["eu_a", 2],
        ["eu_c", 1]
      ])
      assert.deepStrictEqual(unfolded.map(({ defect, id, seq }) => [id, seq, String(defect)]).toSorted(), [
        ["eu_a", 3, "Error: its history lacks seq 3"],
        ["eu_b", 1, "Error: its history lacks seq 1"]
      ])
    })
  )

  it.effect("that is rebuilt is the one that was followed, and longer histories are read in pages", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* clear
      const many = [
        ...Array.from({ length: 450 }, (_, index) => `eu_p${index}`).flatMap((id) => history(id, 2)),
        ...history("eu_hot", 650)
      ]
      yield* journal(many)
      yield* (yield* table).apply(many)
      const followed = yield* view
      yield* sql`UPDATE product_view SET title = 'wrong', seq = seq - 1 WHERE id LIKE 'eu_p1%'`
      yield* sql`DELETE FROM product_view WHERE id LIKE 'eu_p2%'`
      yield* sql`INSERT INTO product_view SELECT 'eu_nobody', seq, sku, title, description, price_amount, currency, tax_rate, listed, draft, slug, details, translations
        FROM product_view WHERE id = 'eu_hot'`
      assert.strictEqual((yield* (yield* table).rebuild).entities, 451)
      assert.deepStrictEqual(yield* view, followed)
    })
  )

  it.effect("may be rebuilt while it is followed", () =>
    Effect.gen(function* () {
      yield* clear
      const names = Array.from({ length: 300 }, (_, index) => `eu_p${index}`)
      const many = names.flatMap((id) => history(id, 6))
      yield* journal(many)
      const { apply } = yield* table
      const following = yield* Effect.forkChild(
        Effect.forEach([1, 2, 3, 4, 5, 6], (seq) => apply(many.filter((one) => one.seq === seq)), { discard: true })
      )
      yield* (yield* table).rebuild
      yield* Fiber.join(following)
      assert.deepStrictEqual(
        (yield* seqs).map(([, seq]) => seq),
        names.map(() => 6)
      )
    })
  )
})

const Servers = NatsTest.layerConnection("projections").pipe(
  Layer.provideMerge(NatsTest.layer),
  Layer.provideMerge(Database),
  Layer.orDie
)

const stream = Effect.gen(function* () {
  const nats = yield* Nats
  yield* Effect.promise(async () => {
    const manager = await jetstreamManager(nats)
    const name = Subject.eventStream("eu")
    await manager.streams.delete(name).catch(() => false)
    await manager.streams.add({ name, subjects: [Subject.events("eu")] })
  })
})
const publish = Effect.fnUntraced(function* (entries: ReadonlyArray<Stored>) {
  const client = jetstream(yield* Nats)
  yield* Effect.tryPromise(() =>
    Promise.all(entries.map((one) => client.publish(Subject.eventMessage("eu", [one.type]), JSON.stringify(one))))
  )
})
const until = (wanted: ReadonlyArray<ReadonlyArray<unknown>>) =>
  Effect.gen(function* () {
    while (JSON.stringify(yield* seqs) !== JSON.stringify(wanted)) yield* Effect.sleep("20 millis")
  }).pipe(
    Effect.timeoutOrElse({
      duration: "15 seconds",
      orElse: () =>
        Effect.flatMap(seqs, (now) =>
          Effect.die(new Error(`wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(now)}`))
        )
    })
  )
const following = <A, E, R>(body: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(Effect.forkChild(follow("eu", ProductTable)), () => body, Fiber.interrupt)

layer(Servers, { excludeTestServices: true, timeout: "60 seconds" })("a follower", (it) => {
  it.effect("applies what is published, goes on after a restart, and does not mind repeats", () =>
    Effect.gen(function* () {
      yield* clear
      yield* stream
      const all = history("eu_a", 40)
      yield* journal(all)
      yield* following(Effect.andThen(publish(all.slice(0, 10)), until([["eu_a", 10]])))
      const more = history("eu_b", 20)
      yield* journal(more)
      yield* publish([...all.slice(10), ...all.slice(5, 12), ...more.slice(0, 8)])
      yield* following(
        until([
          ["eu_a", 40],
          ["eu_b", 8]
        ])
      )
      yield* following(
        Effect.andThen(
          publish([more[14]!, more[14]!]),
          until([
            ["eu_a", 40],
            ["eu_b", 15]
          ])
        )
      )
    })
  )

  it.effect("makes a table anew whose columns or indexes have changed, and builds it; the others stay", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* clear
      yield* stream
      yield* sql`DELETE FROM projection`
      yield* journal(history("eu_a", 5))
      yield* following(until([["eu_a", 5]]))
      yield* ProjectionTables.ensure(tables)
      assert.deepStrictEqual(yield* seqs, [["eu_a", 5]])
      const stock = sql`SELECT 'stock_view'::regclass::oid AS id`
      const before = yield* stock
      const changed = { ...ProductTable, indexes: { product_view_title: "(title)" } }
      yield* ProjectionTables.ensure(tables.map((one) => (one === ProductTable ? changed : one)))
      assert.deepStrictEqual(yield* seqs, [])
      assert.deepStrictEqual(yield* stock, before)
      yield* ProjectionTables.ensure(tables)
      yield* following(until([["eu_a", 5]]))
    })
  )

  it.effect("builds the table when its fold has changed", () =>
    Effect.gen(function* () {
      yield* clear
      yield* stream
      yield* (yield* SqlClient.SqlClient)`UPDATE projection SET version = 0`
      yield* journal(history("eu_a", 5))
      yield* following(until([["eu_a", 5]]))
    })
  )

  it.effect("skips what is not an event, and one entity that cannot be folded", () =>
    Effect.gen(function* () {
      yield* clear
      yield* stream
      const bad = { ...product("eu_bad", 1), events: [{ _tag: "ProductUnlisted", at: 1 }] }
      yield* journal([...history("eu_a", 2), bad])
      yield* following(
        Effect.gen(function* () {
          const nats = yield* Nats
          nats.publish(Subject.eventMessage("eu", ["Product"]), "{")
          yield* publish([bad, ...history("eu_a", 2)])
          yield* until([["eu_a", 2]])
        })
      )
    })
  )

  it.effect("builds the table from the journal when the stream has lost what it had not seen", () =>
    Effect.gen(function* () {
      yield* clear
      yield* stream
      yield* following(Effect.andThen(publish([]), Effect.sleep("200 millis")))
      const all = history("eu_a", 5)
      yield* journal(all)
      yield* publish(all)
      const nats = yield* Nats
      yield* Effect.promise(async () => {
        const manager = await jetstreamManager(nats)
        await manager.streams.purge(Subject.eventStream("eu"))
      })
      yield* following(until([["eu_a", 5]]))
    })
  )

  it.effect("goes on when NATS was killed and is back", () =>
    Effect.gen(function* () {
      yield* clear
      yield* stream
      const server = yield* NatsTest
      const all = history("eu_a", 9)
      yield* journal(all)
      yield* following(
        Effect.gen(function* () {
          yield* publish(all)
          yield* until([["eu_a", 9]])
          yield* server.kill
          const more = history("eu_b", 3)
          yield* journal(more)
          yield* server.start
          yield* Effect.retry(publish(more), { schedule: Schedule.spaced("200 millis"), times: 20 })
          yield* until([
            ["eu_a", 9],
            ["eu_b", 3]
          ])
        })
      )
    })
  )
})
