import { assert, layer } from "@effect/vitest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { late } from "../src/inspector/SagaProgress.ts"
import { stepsOf, unfinished } from "../src/inspector/Sagas.ts"
import { traced } from "../src/inspector/Trace.ts"
import { layerRegion } from "../src/Migrations.ts"
import { RegionDatabases } from "../src/routes/Reads.ts"

const Test = RegionDatabases.layerOne.pipe(
  Layer.provideMerge(layerRegion),
  Layer.provideMerge(PgTest.layer("purchase"))
)

/** Ten minutes ago: whatever has not moved since then is stuck, unless it rightly waits. */
const at = Date.now() - 600_000
const line = { sku: "TEA", variant: "", title: "Tea", quantity: 2, unitPrice: 100, taxRate: 0 }
const sale = {
  customerId: null,
  currency: "GBP",
  lines: [line],
  charges: [],
  discount: 0,
  totals: { goods: 200, charges: 0, tax: 0, total: 200 },
  email: "ada@example.org",
  shippingAddress: { name: "Ada", line1: "1 Mill Lane", city: "Leeds", postalCode: "LS1", country: "GB" },
  paymentToken: "tok_ok"
}
const placed = (attempt: number) => ({ _tag: "Placed", draft: { cartId: "eu_p", attempt, ...sale }, at })
const promised = { allocations: [], backOrdered: 2 }
const failure = { code: "card_declined", detail: "declined", missing: [] }

/** A cart whose first card was declined, and whose second order waits for back-ordered goods. */
const rows: ReadonlyArray<readonly [type: string, id: string, commandId: string, event: object]> = [
  ["Cart", "eu_p", "open", { _tag: "CartOpened", currency: "GBP", pricing: "agreed", customerId: null, at }],
  ["Cart", "eu_p", "put", { _tag: "LinePut", line, at }],
  ["Cart", "eu_p", "checkout:1", { _tag: "CheckedOut", ...sale, attempt: 1, fingerprint: "1", at }],
  ["Order", "eu_p", "eu_p:place", placed(1)],
  ["Sku", "eu_TEA", "eu_p:hold", { _tag: "Held", orderId: "eu_p", ...promised, expiresAt: at }],
  ["Cart", "eu_p", "eu_p:reopen", { _tag: "Reopened", attempt: 1, failure, at }],
  ["Cart", "eu_p", "checkout:2", { _tag: "CheckedOut", ...sale, attempt: 2, fingerprint: "2", at }],
  ["Order", "eu_p-2", "eu_p-2:place", placed(2)],
  ["Cart", "eu_p", "place:2:done", { _tag: "OrderPlaced", attempt: 2, at }],
  ["Sku", "eu_TEA", "eu_p-2:hold", { _tag: "Held", orderId: "eu_p-2", ...promised, expiresAt: at }],
  ["Order", "eu_p-2", "hold:done", { _tag: "StockHeld", stock: [], at }],
  ["Order", "eu_p-2", "authorise:done", { _tag: "PaymentAuthorised", amount: 200, at }],
  ["Order", "eu_p-2", "await-1:done", { _tag: "StockAwaited", awaiting: [{ sku: "TEA", quantity: 2 }], at }],
  // Somebody else's, of a cart whose id begins in the same way.
  ["Order", "eu_p-22", "eu_p-22:place", { ...placed(1), draft: { cartId: "eu_p-22", attempt: 1, ...sale } }],
  ["Sku", "eu_TEA", "eu_p-22:hold", { _tag: "Held", orderId: "eu_p-22", ...promised, expiresAt: at }]
]
const write = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const seqs = new Map<string, number>()
  for (const [index, [type, id, commandId, event]] of rows.entries()) {
    const seq = (seqs.get(`${type}/${id}`) ?? 0) + 1
    seqs.set(`${type}/${id}`, seq)
    yield* sql`
      INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
      VALUES (${type}, ${id}, ${seq}, ${commandId}, ${JSON.stringify([event])}::text::jsonb, '{"v":1}', 1, 1,
        to_timestamp(${String(at + index)}::text::double precision / 1000))`
  }
  for (const id of ["eu_p-2", "eu_p-22"]) {
    yield* sql`INSERT INTO timer (entity_type, entity_id, shard, due_at) VALUES ('Order', ${id}, 1, now())`
  }
})

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("a purchase", (it) => {
  it.effect("is traced over all orders of its cart, from any of them", () =>
    Effect.gen(function* () {
      yield* write
      const wanted = rows.slice(0, -2).map(([type, id, commandId]) => `${type}/${id} ${commandId}`)
      for (const from of ["eu_p", "eu_p-2", "eu_p-2:hold"]) {
        const found = yield* traced(from)
        assert.deepStrictEqual(
          found.map(({ commandId, id, type }) => `${type}/${id} ${commandId}`),
          wanted,
          from
        )
      }
      const { refs } = yield* stepsOf("eu_p-2")
      assert.sameDeepMembers(
        [...refs],
        [
          { type: "Order", id: "eu_p-2" },
          { type: "Cart", id: "eu_p" }
        ]
      )
    })
  )

  it.effect("that waits for goods is not taken for stuck; one that does not move is", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const found = (yield* unfinished(10, ["eu"])).map(({ id, isPatient, pendingStep }) => [
        id,
        pendingStep,
        isPatient
      ])
      assert.deepStrictEqual(found.toSorted(), [
        ["eu_p-2", "await-1", true],
        ["eu_p-22", "hold", false]
      ])
      const stuck = (yield* late(sql, Date.now())).filter(({ code }) => code === "saga_stuck")
      assert.deepStrictEqual(
        stuck.map(({ subject }) => subject),
        ["Order/eu_p-22"]
      )
    })
  )
})
