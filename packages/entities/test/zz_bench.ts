import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as Invariants from "../src/Invariants.ts"
import * as Migrations from "../src/Migrations.ts"
import { Projections } from "../src/zz_reexport.ts"
const target = Number(process.argv[2] ?? 1_000_000)
const start = Date.now() - 600_000
const gen = function* () {
  const seqs = new Map<string, number>()
  let n = 0
  const r = (type: string, id: string, event: object) => {
    const k = type + id
    const seq = (seqs.get(k) ?? 0) + 1
    seqs.set(k, seq)
    n++
    return { type, id, seq, c: "eu_order:step:" + n, events: [event], at: start, shard: 1 + (id.length * 7 + id.charCodeAt(id.length - 1)) % 64 }
  }
  const at = start
  for (let s = 0; s < 3000; s++) yield r("Sku", "eu_S" + s, { _tag: "Received", warehouse: "eu-main", quantity: 1_000_000 })
  for (let o = 0; n < target; o++) {
    const id = "eu_" + (o * 7919 % 999983).toString(36).padStart(6, "0") + "x"
    const lines = [0, 1, 2, 3, 4].map((i) => ({ sku: "S" + ((o * 31 + i * 601) % 3000), variant: "", title: "WHITE HANGING HEART T-LIGHT", quantity: 3, unitPrice: 1_000, taxRate: 2_000 }))
    const total = 15_000 + 3_000
    const draft = { customerId: null, currency: "GBP", lines, charges: [], discount: 0, totals: { goods: 15_000, charges: 0, tax: 3_000, total }, email: "ada@example.org", shippingAddress: { name: "Ada", line1: "1", city: "L", postalCode: "L", country: "GB" }, paymentToken: "tok_ok" }
    const al = [{ warehouse: "eu-main", quantity: 3 }]
    const money = { reference: id + ":authorise", amount: total, at }
    yield r("Cart", id, { _tag: "CartOpened", currency: "GBP", pricing: "shop", customerId: null, at })
    for (const line of lines) yield r("Cart", id, { _tag: "LinePut", line, at })
    yield r("Cart", id, { _tag: "CheckedOut", ...draft, fingerprint: "1", at })
    yield r("Cart", id, { _tag: "OrderPlaced", at })
    yield r("Order", id, { _tag: "Placed", draft: { cartId: id, ...draft }, at })
    for (const { sku } of lines) {
      const p = { orderId: id, allocations: al, backOrdered: 0 }
      yield r("Sku", "eu_" + sku, { _tag: "Held", ...p, expiresAt: start + 3_600_000 })
      yield r("Sku", "eu_" + sku, { _tag: "Reserved", ...p })
      yield r("Sku", "eu_" + sku, { _tag: "Shipped", orderId: id, allocations: al })
    }
    yield r("Payment", id, { _tag: "AuthoriseRequested", ...money, orderId: id, currency: "GBP", token: "tok_ok" })
    yield r("Payment", id, { _tag: "Authorised", ...money, authorisationId: "a" })
    yield r("Payment", id, { _tag: "CaptureRequested", ...money, reference: "c" })
    yield r("Payment", id, { _tag: "Captured", ...money, reference: "c" })
    for (const e of [{ _tag: "StockHeld" }, { _tag: "PaymentAuthorised", amount: total }, { _tag: "StockReserved", stock: lines.map(({ sku }) => ({ sku, allocations: al })) }, { _tag: "ShipmentBooked", trackingNumbers: ["T"] }, { _tag: "Dispatched" }, { _tag: "PaymentCaptured", amount: total }, { _tag: "StockShipped" }, { _tag: "Delivered" }]) yield r("Order", id, { ...e, at })
  }
}
await Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`INSERT INTO shard_epoch (shard, epoch, owner) SELECT s, 1, 't' FROM generate_series(1, 64) s`
  let batch: Array<unknown> = []
  const flush = () => sql`INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
    SELECT type, id, seq, c, events, '{"v":1,"actor":"edge","correlationId":"0123456789abcdef"}', shard, 1, to_timestamp(at / 1000.0) FROM jsonb_to_recordset(${JSON.stringify(batch)}::text::jsonb) AS (type text, id text, seq int, c text, events jsonb, shard int, at float8)`
  for (const row of gen()) { batch.push(row); if (batch.length === 5000) { yield* flush(); batch = [] } }
  yield* flush()
  yield* sql`VACUUM ANALYZE journal`
  const t = performance.now()
  let last = ""; let lt = t
  const report = yield* Invariants.check({ running: true, onProgress: ({ doing }) => { if (doing !== last) { console.log(last, ((performance.now() - lt) / 1000).toFixed(2)); last = doing; lt = performance.now() } } })
  console.log(last, ((performance.now() - lt) / 1000).toFixed(2))
  console.log(report.rows, "rows", report.entities, "entities", report.seconds.toFixed(2), "s violations", report.violations, report.found.slice(0, 3), Math.round(process.memoryUsage().rss / 1e6), "MB rss")
  for (const name of ["product", "order", "stock"] as const) {
    const t = performance.now()
    const n = yield* Projections.rebuild(name)
    console.log("rebuild", name, n, ((performance.now() - t) / 1000).toFixed(2), "s")
  }
}).pipe(Effect.provide(Migrations.layerRegion.pipe(Layer.provideMerge(PgTest.layer("bench")))), Effect.runPromise)
process.exit(0)
