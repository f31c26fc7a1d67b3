import { assert, layer } from "@effect/vitest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as Invariants from "../src/laws/Invariants.ts"
import * as Migrations from "../src/Migrations.ts"

/** Ten minutes ago: whatever is unfinished since then is overdue. */
const start = Date.now() - 600_000
const order = "eu_order1"
const cart = "eu_order1"

interface Row {
  readonly type: string
  readonly id: string
  readonly events: ReadonlyArray<object>
  readonly seq?: number
  readonly commandId?: string
  readonly at?: number
  readonly shard?: number
  readonly epoch?: number
}
const row = (type: string, id: string, ...events: ReadonlyArray<object>): Row => ({ type, id, events })

const line = { sku: "TEA", variant: "", title: "Tea", quantity: 3, unitPrice: 1_000, taxRate: 2_000 }
const draft = {
  customerId: null,
  currency: "GBP",
  lines: [line],
  charges: [{ code: "standard", kind: "shipping", amount: 395 }],
  discount: 0,
  totals: { goods: 3_000, charges: 395, tax: 600, total: 3_995 },
  email: "ada@example.org",
  shippingAddress: { name: "Ada", line1: "1 Mill Lane", city: "Leeds", postalCode: "LS1", country: "GB" },
  paymentToken: "tok_ok"
}
const at = start
const promised = { orderId: order, allocations: [{ warehouse: "eu-main", quantity: 3 }], backOrdered: 0 }
const money = { reference: `${order}:authorise`, amount: 3_995, at }
const captured = { reference: "capture", amount: 3_995, at }

const opened = { _tag: "CartOpened", currency: "GBP", pricing: "shop", customerId: null, at }
const linePut = { _tag: "LinePut", line, at }
const checkedOut = { _tag: "CheckedOut", ...draft, attempt: 1, fingerprint: "1", at }
const received = { _tag: "Received", warehouse: "eu-main", quantity: 10 }
const held = { _tag: "Held", ...promised, expiresAt: start + 3_600_000 }
const reserved = { _tag: "Reserved", ...promised }
const shipped = { _tag: "Shipped", orderId: order, allocations: promised.allocations, from: "reservation" }
const stock = [{ sku: "TEA", allocations: promised.allocations }]
const placed = { _tag: "Placed", draft: { cartId: cart, attempt: 1, ...draft }, at }
const requested = { _tag: "AuthoriseRequested", ...money, orderId: order, currency: "GBP", token: "tok_ok" }
const authorised = { _tag: "Authorised", ...money, authorisationId: "a1" }

const picture = "eu_picture"
const content = { hash: "a".repeat(64), type: "image/png", bytes: 9, width: 3, height: 2, frames: 1 }
const other = { ...content, hash: "b".repeat(64) }
const media = (...events: ReadonlyArray<object>) => row("Media", picture, ...events.map((event) => ({ ...event, at })))
const pictured = media({ _tag: "MediaDeclared", owner: null, uploadedBy: "a", alt: [], content })
const shown = media({ _tag: "MediaUsed", by: "Product:eu_TEA" })
const told = (tag: string, commandId: string): Row => ({ ...media({ _tag: tag, by: "Product:eu_MUG" }), commandId })
const shows = (media: ReadonlyArray<string>, added: ReadonlyArray<string>, removed: ReadonlyArray<string>) =>
  row(
    "Product",
    "eu_MUG",
    { _tag: "ProductDescribed", details: { media }, at },
    { _tag: "ProductMediaChanged", added, removed, at }
  )

/** One order from cart to door, as every part of the system keeps it. */
const good: ReadonlyArray<Row> = [
  row("Cart", cart, opened),
  row("Cart", cart, linePut),
  row("Sku", "eu_TEA", received),
  row("Cart", cart, checkedOut),
  row("Order", order, placed),
  row("Cart", cart, { _tag: "OrderPlaced", attempt: 1, at }),
  row("Sku", "eu_TEA", held),
  row("Order", order, { _tag: "StockHeld", stock, at }),
  row("Payment", order, requested),
  row("Payment", order, authorised),
  row("Order", order, { _tag: "PaymentAuthorised", amount: 3_995, at }),
  row("Sku", "eu_TEA", reserved),
  row("Order", order, { _tag: "StockReserved", at }),
  row("Order", order, { _tag: "ShipmentBooked", trackingNumbers: ["T1"], at }),
  row("Order", order, { _tag: "Dispatched", at }),
  row("Payment", order, { _tag: "CaptureRequested", ...captured }),
  row("Payment", order, { _tag: "Captured", ...captured }),
  row("Order", order, { _tag: "PaymentCaptured", amount: 3_995, at }),
  row("Sku", "eu_TEA", shipped),
  row("Order", order, { _tag: "StockShipped", at }),
  row("Customer", "eu_ada", { _tag: "Registered", email: null, name: null, at }),
  row("Customer", "eu_ada", { _tag: "PointsMoved", points: 10, note: order, at }),
  row("Customer", "eu_ada", { _tag: "PointsMoved", points: -4, note: "spent", at })
]

const declinedAs = { code: "card_declined", detail: "declined", missing: [] }
/** The card of the first checkout is declined: all is undone, and the cart is open again. */
const declined: ReadonlyArray<Row> = [
  ...good.slice(0, 8),
  row("Payment", order, requested),
  row("Payment", order, { _tag: "Declined", reference: money.reference, reason: "declined", at }),
  row("Order", order, { _tag: "PaymentDeclined", reason: "declined", at }),
  row("Sku", "eu_TEA", { _tag: "Released", ...promised, from: "hold" }),
  row("Order", order, { _tag: "StockReleased", at }),
  row("Cart", cart, { _tag: "Reopened", attempt: 1, failure: declinedAs, at }),
  row("Order", order, { _tag: "CartReopened", at })
]
/** Another card pays: the same under the id of the second order. */
const second = `${order}-2`
const again = good.slice(3, 20).map((one): Row => {
  const text = JSON.stringify(one).replaceAll(`"${order}`, `"${second}`).replaceAll('"attempt":1', '"attempt":2')
  const renamed = JSON.parse(text.replaceAll(`"cartId":"${second}"`, `"cartId":"${cart}"`)) as Row
  return one.type === "Cart" ? { ...renamed, id: cart } : renamed
})

const of = (type: string, tag: string) => (one: Row) =>
  one.type === type && one.events.some((event) => "_tag" in event && event._tag === tag)
/** The same history with some rows changed, or (`null`) left out. */
const changed = (rows: ReadonlyArray<Row>, which: (row: Row) => boolean, to: (row: Row) => Row | null) =>
  rows.flatMap((one) => (which(one) ? (to(one) ?? []) : one))
const without = (rows: ReadonlyArray<Row>, type: string, ...tags: ReadonlyArray<string>) =>
  tags.reduce((left, tag) => changed(left, of(type, tag), () => null), rows)
const until = (rows: ReadonlyArray<Row>, type: string, tag: string) => rows.slice(0, rows.findIndex(of(type, tag)) + 1)
const insteadOf = (rows: ReadonlyArray<Row>, type: string, tag: string, ...events: ReadonlyArray<object>) =>
  changed(rows, of(type, tag), (one) => ({ ...one, events }))

/** The same of an order whose goods leave before its hold is over. */
const quick = without(insteadOf(good, "Sku", "Shipped", { ...shipped, from: "hold" }), "Sku", "Reserved")

/** It is paid for so much after the time of its holds. */
const paidLate = (ms: number, over: object = {}) =>
  insteadOf(until(quick, "Order", "ShipmentBooked"), "Order", "StockReserved", {
    _tag: "StockReserved",
    at: start + 600_000 + ms,
    ...over
  })

/** One of the three units comes back and its money is paid out, as the order and the stock tell it. */
const theReturn = (amount: number, over: object = {}): ReadonlyArray<Row> => {
  const key = { returnId: "r1", at }
  const lines = [{ sku: "TEA", variant: "", quantity: 1, refund: amount }]
  const origins = [{ sku: "TEA", allocations: [{ warehouse: "eu-main", quantity: 1 }] }]
  const planned = { lines, outbound: 0, amount, origins, ...over }
  return [
    row("Order", order, { _tag: "ReturnRequested", ...key, ...planned, reason: "", disposition: "restock" }),
    row("Order", order, { _tag: "ReturnLabelled", label: "L", ...key }),
    row("Order", order, { _tag: "ReturnReceived", ...key }),
    row("Sku", "eu_TEA", { _tag: "Restocked", orderId: order, warehouse: "eu-main", quantity: 1 }),
    row("Order", order, { _tag: "ReturnStocked", ...key }),
    row("Order", order, { _tag: "ReturnRefunded", amount, ...key })
  ]
}

/** What was sold of `TEA` is a bundle of it: as often as the cart showed, and as it was checked out. */
const bundled = (shown: number, bought: number) =>
  good.map((one): Row => {
    const parts = [{ sku: "TEA", quantity: of("Cart", "LinePut")(one) ? shown : bought }]
    const asBundle = (_: string, value: unknown) =>
      typeof value === "object" && value !== null && "variant" in value ? { ...value, sku: "BOX", parts } : value
    return JSON.parse(JSON.stringify(one, asBundle)) as Row
  })

const aPennyMore = (one: Row): Row => JSON.parse(JSON.stringify(one).replaceAll("3995", "3996")) as Row

const write = Effect.fnUntraced(function* (rows: ReadonlyArray<Row>) {
  const sql = yield* SqlClient.SqlClient
  const seqs = new Map<string, number>()
  const stored = rows.map((one, index) => {
    const key = `${one.type}/${one.id}`
    const seq = one.seq ?? (seqs.get(key) ?? 0) + 1
    seqs.set(key, seq)
    return { commandId: `c${index}`, at: start + index, shard: 1, epoch: 1, ...one, seq }
  })
  yield* sql`TRUNCATE journal, shard_epoch`
  yield* sql`INSERT INTO shard_epoch (shard, epoch, owner) VALUES (1, 2, 'test'), (2, 2, 'test')`
  yield* sql`
    INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
    SELECT r.type, r.id, r.seq, r."commandId", r.events, '{"v":1}', r.shard, r.epoch, to_timestamp(r.at / 1000.0)
    FROM ROWS FROM (jsonb_to_recordset(${JSON.stringify(stored)}::text::jsonb)
      AS (type text, id text, seq int, "commandId" text, events jsonb, shard int, epoch int, at float8))
      WITH ORDINALITY AS r(type, id, seq, "commandId", events, shard, epoch, at, n)
    ORDER BY n`
})

const checked = (rows: ReadonlyArray<Row>, options: Partial<Invariants.Options> = {}) =>
  Effect.andThen(write(rows), Invariants.check({ running: true, ...options }))

/** Exactly this invariant is found broken, by this entity. */
const finds = Effect.fnUntraced(function* (
  invariant: Invariants.Id,
  entity: string,
  rows: ReadonlyArray<Row>,
  options: Partial<Invariants.Options> = {}
) {
  const { found, violations } = yield* checked(rows, options)
  const lines = found.map((one) => `${one.invariant} ${one.entityType}/${one.entityId} ${one.seq}: ${one.detail}`)
  assert.isAbove(violations, 0, "nothing was found")
  assert.isTrue(
    found.some((one) => one.invariant === invariant && `${one.entityType}/${one.entityId}` === entity),
    lines.join("\n")
  )
  assert.deepStrictEqual([...new Set(found.map((one) => one.invariant))], [invariant], lines.join("\n"))
})

const holds = Effect.fnUntraced(function* (rows: ReadonlyArray<Row>, options: Partial<Invariants.Options> = {}) {
  const report = yield* checked(rows, options)
  assert.deepStrictEqual(report.found, [])
  assert.strictEqual(report.rows, rows.length)
  return report
})

const taken = (category: string) => ({ _tag: "CategoryTakenOut", category, at })
const stands = (category: string, parent: string | null) =>
  row("CategoryTree", "eu_categories", { _tag: "CategoryPlaced", category, parent, before: null, at })

const claimed = (slug: string, sku: string) => row("Slug", `eu_${slug}`, { _tag: "SlugClaimed", sku, at })
const ofMug = (event: object) => row("Product", "eu_MUG", { ...event, at })
const mug = ofMug({
  _tag: "ProductListed",
  sku: "MUG",
  title: "Mug",
  description: "",
  price: { amount: 500, currency: "GBP", taxRate: 0 }
})
const spring = { changeId: "spring", dueAt: at, listed: false }
const sold = [
  claimed("mug", "MUG"),
  mug,
  ofMug({ _tag: "ProductNamed", slug: "mug" }),
  ofMug({ _tag: "ChangeScheduled", change: spring }),
  ofMug({ _tag: "ChangeDue", changeId: "spring" })
]
const release = (...events: ReadonlyArray<object>) =>
  row("Release", "eu_autumn", ...events.map((event) => ({ ...event, at })))
const planned = release({ _tag: "ReleasePlanned", title: "Autumn", members: [{ sku: "MUG", listed: true }] })
const started = release({ _tag: "ReleaseStarted" })
const ended = (outcome: string) =>
  release({ _tag: "MembersAnswered", answers: [{ sku: "MUG", outcome }] }, { _tag: "ReleaseEnded" })
const applied = ofMug({ _tag: "ReleaseApplied", release: "eu_autumn" })
const Database = Migrations.layerRegion.pipe(Layer.provideMerge(PgTest.layer("invariants")), Layer.orDie)

layer(Database, { excludeTestServices: true, timeout: "60 seconds" })("Invariants", (it) => {
  it.effect("hold for a whole order", () =>
    Effect.gen(function* () {
      const { lines } = yield* holds([
        ...good,
        stands("tea", null),
        pictured,
        shown,
        ...sold,
        planned,
        started,
        applied,
        ended("done")
      ])
      for (const { checked, invariant } of lines) {
        if (invariant !== "I4") assert.isAbove(checked, 0, `${invariant} looked at nothing`)
      }
    })
  )
  it.effect("hold for an order whose goods leave before its hold is over", () => holds(quick))
  it.effect("hold for an empty journal", () => holds([]))

  it.effect("I0 finds what cannot be read", () =>
    Effect.gen(function* () {
      yield* finds("I0", "Customer/eu_ada", [
        ...good,
        row("Customer", "eu_ada", { _tag: "PointsMoved", points: "ten", note: "x", at })
      ])
      yield* finds("I0", "Unicorn/eu_1", [...good, row("Unicorn", "eu_1", { _tag: "Born" })])
    })
  )

  it.effect("I1 finds promises above what is on hand, and books that do not balance", () =>
    Effect.gen(function* () {
      yield* finds("I1", "Sku/eu_TEA", insteadOf(good, "Sku", "Received", { ...received, quantity: 2 }))
      yield* finds("I1", "Sku/eu_TEA", [
        ...good,
        row("Sku", "eu_TEA", { _tag: "Adjusted", warehouse: "eu-main", onHand: 9, delta: 1, reason: "count" })
      ])
      yield* finds("I1", "Sku/eu_CUP", [
        ...good,
        row("Sku", "eu_CUP", received),
        row("Sku", "eu_CUP", { ...reserved, orderId: order }),
        row("Sku", "eu_CUP", { _tag: "Released", ...promised, from: "reservation" })
      ])
    })
  )

  it.effect("I2 holds for a cart whose card was declined, and which another card paid", () =>
    Effect.gen(function* () {
      yield* holds([...declined, ...again])
      // Word to the cart may be on its way, or be let be by an operator; then nothing is bought with it any more.
      const left = without(declined, "Cart", "Reopened")
      yield* holds(without(left, "Order", "CartReopened"), { graceMs: 3_600_000 })
      const skipped = { _tag: "StepSkipped", step: "reopen", note: "its cart is parked", at }
      yield* holds(insteadOf(left, "Order", "CartReopened", skipped))
    })
  )

  it.effect("I2 finds two live orders of one cart, and carts that were reopened wrongly", () =>
    Effect.gen(function* () {
      const reopened = { _tag: "Reopened", attempt: 1, failure: declinedAs, at }
      const reopenedRow = row("Cart", cart, reopened)
      const unheard = without(declined, "Cart", "Reopened")
      yield* finds("I2", `Order/${order}`, [...good, reopenedRow])
      yield* finds("I2", `Order/${order}`, [...good, reopenedRow, ...again])
      yield* finds("I2", `Order/${order}`, unheard)
      yield* finds("I2", `Cart/${cart}`, [...declined, reopenedRow])
      yield* finds("I2", `Cart/${cart}`, [...unheard, ...again])
      yield* finds("I2", `Cart/${cart}`, insteadOf(declined, "Cart", "Reopened", { ...reopened, attempt: 2 }))
      const third = [
        { ...checkedOut, attempt: 3 },
        { _tag: "OrderPlaced", attempt: 3, at }
      ]
      yield* finds("I2", `Cart/${cart}`, [...declined, ...third.map((event) => row("Cart", cart, event))])
      const other = insteadOf(again, "Order", "Placed", { ...placed, draft: { ...placed.draft, attempt: 3 } })
      yield* finds("I2", `Order/${second}`, [...declined, ...other])
    })
  )

  it.effect("I8 leaves an order that waits for back-ordered goods, as long as they have not come in", () =>
    Effect.gen(function* () {
      const waits = { ...promised, allocations: [{ warehouse: "eu-main", quantity: 2 }], backOrdered: 1 }
      const awaiting = [{ sku: "TEA", quantity: 1 }]
      const waiting = [
        ...insteadOf(
          insteadOf(until(good, "Sku", "Reserved"), "Sku", "Held", { ...held, ...waits }),
          "Sku",
          "Reserved",
          { ...reserved, ...waits }
        ),
        row("Order", order, { _tag: "StockAwaited", awaiting, at })
      ]
      const low = insteadOf(waiting, "Sku", "Received", { ...received, quantity: 2 })
      assert.isAbove((yield* holds(low)).running, 0)
      const fill = { orderId: order, allocations: [{ warehouse: "eu-main", quantity: 1 }] }
      const filled = row("Sku", "eu_TEA", { ...received, quantity: 1 }, { _tag: "BackOrdersFilled", fills: [fill] })
      yield* finds("I8", `Order/${order}`, [...low, filled])
    })
  )

  it.effect("I2 finds a second order, a changed one, and one that nobody checked out", () =>
    Effect.gen(function* () {
      yield* finds("I2", `Cart/${cart}`, [...good, row("Cart", cart, checkedOut)])
      yield* finds("I2", `Order/${order}`, without(good, "Cart", "CheckedOut", "OrderPlaced"))
      const other = { ...placed, draft: { ...placed.draft, currency: "EUR" } }
      yield* finds("I2", `Order/${order}`, insteadOf(good, "Order", "Placed", other))
      const lonely = [row("Cart", "eu_c2", opened), row("Cart", "eu_c2", linePut), row("Cart", "eu_c2", checkedOut)]
      yield* finds("I2", "Cart/eu_c2", [
        ...good,
        ...lonely,
        row("Cart", "eu_c2", { _tag: "OrderPlaced", attempt: 1, at })
      ])
    })
  )

  it.effect("I3 finds more captured than authorised, more refunded than captured", () =>
    Effect.gen(function* () {
      const more = { ...captured, amount: 3_996 }
      const captures = insteadOf(good, "Payment", "Captured", { _tag: "Captured", ...more })
      const over = insteadOf(captures, "Order", "PaymentCaptured", { _tag: "PaymentCaptured", amount: 3_996, at })
      yield* finds("I3", `Payment/${order}`, over)
      yield* finds("I3", `Order/${order}`, over)
      const refund = { reference: "refund", amount: 1_200, at }
      const less = insteadOf(good, "Payment", "Captured", { _tag: "Captured", ...captured, amount: 1_000 })
      yield* finds("I3", `Payment/${order}`, [
        ...insteadOf(less, "Order", "PaymentCaptured", { _tag: "PaymentCaptured", amount: 1_000, at }),
        ...theReturn(1_200),
        row("Payment", order, { _tag: "RefundRequested", ...refund }, { _tag: "Refunded", ...refund })
      ])
    })
  )

  it.effect("I5 finds points below zero", () =>
    finds("I5", "Customer/eu_ada", [
      ...good,
      row("Customer", "eu_ada", { _tag: "PointsMoved", points: -7, note: "x", at })
    ])
  )

  it.effect("I6 finds lines lost at checkout and between carts", () =>
    Effect.gen(function* () {
      const cup = { _tag: "LinePut", line: { ...line, sku: "CUP" }, at }
      yield* finds(
        "I6",
        `Cart/${cart}`,
        changed(good, of("Cart", "LinePut"), (one) => ({ ...one, events: [linePut, cup] }))
      )
      const source = [row("Cart", "eu_c2", opened), row("Cart", "eu_c2", cup)]
      const nobodys = { coupon: null, customerId: null }
      const given = row("Cart", "eu_c2", { _tag: "HandedOver", into: "eu_c3", at })
      const taken = (lines: ReadonlyArray<object>) => [
        row("Cart", "eu_c3", opened),
        row("Cart", "eu_c3", { _tag: "MergeAsked", from: "eu_c2", attempt: 1, at }),
        row("Cart", "eu_c3", { _tag: "LinesAbsorbed", from: "eu_c2", attempt: 1, lines, charges: [], ...nobodys, at })
      ]
      yield* holds([...good, ...source, given, ...taken([cup.line])])
      yield* finds("I6", "Cart/eu_c2", [...good, ...source, given, ...taken([])])
      yield* finds("I6", "Cart/eu_c2", [...good, ...source, given])
      yield* finds("I6", "Cart/eu_c3", [...good, ...source, ...taken([cup.line])])
      const { running } = yield* holds([...good, ...source, given], { graceMs: 3_600_000 })
      assert.strictEqual(running, 1)
    })
  )

  it.effect("I7 finds wrong sums, and another amount authorised", () =>
    Effect.gen(function* () {
      const wrong = { ...draft, totals: { ...draft.totals, tax: 601, total: 3_996 } }
      const dear = changed(
        good.map(aPennyMore),
        (one) => of("Cart", "CheckedOut")(one) || of("Order", "Placed")(one),
        (one) => ({
          ...one,
          events: [
            one.type === "Cart" ? { ...checkedOut, ...wrong } : { ...placed, draft: { ...placed.draft, ...wrong } }
          ]
        })
      )
      yield* finds("I7", `Order/${order}`, dear)
      const less = { ...money, amount: 3_000 }
      yield* finds(
        "I7",
        `Order/${order}`,
        insteadOf(until(good, "Order", "ShipmentBooked"), "Payment", "Authorised", {
          _tag: "Authorised",
          ...less,
          authorisationId: "a1"
        })
      )
    })
  )

  it.effect("I8 finds unfinished sagas, paid orders without stock, and dead orders that keep something", () =>
    Effect.gen(function* () {
      const unfinished = until(good, "Order", "StockReserved")
      yield* finds("I8", `Order/${order}`, unfinished)
      assert.isAbove((yield* holds(unfinished, { graceMs: 3_600_000 })).running, 0)
      assert.isAbove((yield* holds(unfinished, { running: false })).running, 0)

      const confirmed = until(good, "Order", "ShipmentBooked")
      yield* holds(confirmed)
      yield* finds("I8", `Order/${order}`, without(confirmed, "Sku", "Reserved", "Held"))
      yield* holds(until(quick, "Order", "ShipmentBooked"))
      yield* finds("I8", `Order/${order}`, without(until(quick, "Order", "ShipmentBooked"), "Sku", "Held"))

      const cancelling = [
        ...until(good, "Order", "PaymentAuthorised"),
        row("Order", order, { _tag: "CancelRequested", reason: "mine", at })
      ]
      const released = row("Sku", "eu_TEA", { _tag: "Released", ...promised, from: "hold" })
      const voided = row(
        "Payment",
        order,
        { _tag: "VoidRequested", ...money, reference: "void" },
        { _tag: "Voided", ...money, reference: "void" }
      )
      const cancelled = [
        row("Order", order, { _tag: "StockReleased", at }),
        row("Order", order, { _tag: "PaymentVoided", at })
      ]
      yield* holds([...cancelling, released, voided, ...cancelled])
      yield* finds("I8", `Order/${order}`, [...cancelling, voided, ...cancelled])
      yield* finds("I8", `Order/${order}`, [...cancelling, released, ...cancelled])
    })
  )

  it.effect(
    "I8 finds bundles of which not all parts were shipped, and I6 those with parts that the cart did not show",
    () =>
      Effect.gen(function* () {
        yield* holds(bundled(1, 1))
        yield* finds("I8", `Order/${order}`, bundled(2, 2))
        yield* finds("I6", `Cart/${cart}`, bundled(2, 1))
      })
  )

  it.effect("I8 finds returns that stock or money know nothing of", () =>
    Effect.gen(function* () {
      const returned = theReturn(1_200)
      const refund = { reference: "refund", amount: 1_200, at }
      const paid = row("Payment", order, { _tag: "RefundRequested", ...refund }, { _tag: "Refunded", ...refund })
      yield* holds([...good, ...returned, paid])
      yield* finds("I8", `Order/${order}`, without([...good, ...returned, paid], "Sku", "Restocked"))
      yield* finds("I7", `Order/${order}`, [...good, ...returned])
      const elsewhere = { _tag: "Restocked", orderId: order, warehouse: "eu-side", quantity: 1 }
      yield* finds("I8", `Order/${order}`, insteadOf([...good, ...returned, paid], "Sku", "Restocked", elsewhere))
    })
  )

  it.effect("I7 finds a return that pays back more or less than was paid for it, and shipping for a part", () =>
    Effect.gen(function* () {
      const paid = (amount: number) => {
        const refund = { reference: "refund", amount, at }
        return row("Payment", order, { _tag: "RefundRequested", ...refund }, { _tag: "Refunded", ...refund })
      }
      for (const amount of [1_199, 1_201])
        yield* finds("I7", `Order/${order}`, [...good, ...theReturn(amount), paid(amount)])
      const lines = [{ sku: "TEA", variant: "", quantity: 1, refund: 1_200 }]
      const shipping = theReturn(1_595, { lines, outbound: 395 })
      yield* finds("I7", `Order/${order}`, [...good, ...shipping, paid(1_595)])
      const origins = [{ sku: "TEA", allocations: [{ warehouse: "eu-side", quantity: 1 }] }]
      const elsewhere = { _tag: "Restocked", orderId: order, warehouse: "eu-side", quantity: 1 }
      const wandered = [...good, ...theReturn(1_200, { origins }), paid(1_200)]
      yield* finds("I7", `Order/${order}`, insteadOf(wandered, "Sku", "Restocked", elsewhere))
    })
  )

  it.effect("I9 leaves a hold whose order was asked in time, and I8 finds an order that does not answer", () =>
    Effect.gen(function* () {
      const brief = insteadOf(until(quick, "Order", "ShipmentBooked"), "Sku", "Held", {
        ...held,
        expiresAt: start + 5_000
      })
      const asked = (at: number) => ({ ...row("Sku", "eu_TEA", { _tag: "HoldsDue", until: at + 60_000, at }), at })
      const kept = { ...row("Sku", "eu_TEA", reserved, { _tag: "ExpiryChecked", earliest: null }), at: start + 60_000 }
      const { lines } = yield* holds([...brief, asked(start + 5_900), kept])
      assert.match(lines.find(({ invariant }) => invariant === "I9")!.notes.join(), /1 ended late/)
      yield* finds("I9", "Sku/eu_TEA", [...brief, asked(start + 6_001), kept])
      const { found } = yield* checked([...brief, asked(start + 5_900)])
      assert.deepStrictEqual([...new Set(found.map(({ invariant }) => invariant))], ["I9", "I8"])
      assert.isAbove((yield* holds([...brief, asked(start + 5_900)], { graceMs: 3_600_000 })).running, 0)
    })
  )

  it.effect("I9 finds an order that goes on though it was not paid for in time", () =>
    Effect.gen(function* () {
      yield* holds(paidLate(900))
      yield* finds("I9", `Order/${order}`, paidLate(1_001))
      yield* holds(paidLate(1_001, { stock }))
      const awaited = { _tag: "StockAwaited", awaiting: [{ sku: "TEA", quantity: 1 }], at }
      yield* holds(
        changed(paidLate(1_001), of("Order", "StockReserved"), (one) => ({ ...one, events: [awaited, ...one.events] }))
      )
    })
  )

  it.effect("I9 finds holds that stand after their limit", () =>
    Effect.gen(function* () {
      const early = { ...held, orderId: "eu_gone", expiresAt: start + 5_000 }
      const expired = (at: number, epoch = 1) => ({
        ...row("Sku", "eu_TEA", { _tag: "HoldExpired", ...promised, orderId: "eu_gone" }),
        at,
        epoch
      })
      const started = [...good, row("Sku", "eu_TEA", early)]
      yield* holds([...started, expired(start + 5_900)])
      yield* finds("I9", "Sku/eu_TEA", [...started, expired(start + 6_001)])
      const { lines } = yield* holds([...started, expired(start + 60_000, 2)])
      assert.match(lines.find(({ invariant }) => invariant === "I9")!.notes.join(), /1 ended late/)
      const { found } = yield* checked(started)
      assert.include(
        found.map(({ invariant }) => invariant),
        "I9"
      )
    })
  )

  it.effect("I10 finds a command with two rows", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`ALTER TABLE journal DROP CONSTRAINT journal_command`
      const twice = good.map((one) => (one.type === "Customer" ? { ...one, commandId: "same" } : one))
      yield* finds("I10", "Customer/eu_ada", twice)
      yield* sql`TRUNCATE journal`
      yield* sql`ALTER TABLE journal ADD CONSTRAINT journal_command UNIQUE (entity_type, entity_id, command_id)`
    })
  )

  it.effect("I11 finds gaps, and acknowledged commands that are not there", () =>
    Effect.gen(function* () {
      yield* finds("I11", "Customer/eu_ada", [
        ...good,
        { ...row("Customer", "eu_ada", { _tag: "PointsMoved", points: 1, note: "x", at }), seq: 9 }
      ])
      const known = { type: "Cart", id: cart, commandId: "c0" }
      yield* holds(good, { acknowledged: [known] })
      yield* finds("I11", `Cart/${cart}`, good, { acknowledged: [known, { ...known, commandId: "lost" }] })
    })
  )

  it.effect("I12 finds an epoch that writes after a later one, and one that nobody raised", () =>
    Effect.gen(function* () {
      const more = row("Customer", "eu_ada", { _tag: "PointsMoved", points: 1, note: "x", at })
      yield* holds([...good, { ...more, epoch: 2 }])
      yield* finds("I12", "Customer/eu_bob", [
        ...good,
        { ...more, epoch: 2 },
        { ...row("Customer", "eu_bob", { _tag: "Registered", email: null, name: null, at }), epoch: 1 }
      ])
      yield* finds("I12", "Customer/eu_ada", [...good, { ...more, epoch: 3 }])
      yield* finds("I12", "Customer/eu_ada", [...good, { ...more, shard: 2 }])
    })
  )

  it.effect("I16 finds content that changes, what comes back, and what is removed while something shows it", () =>
    Effect.gen(function* () {
      const removed = (reason: string) => media({ _tag: "MediaRemoved", reason })
      yield* holds([pictured, shown, removed("erased"), media({ _tag: "ContentForgotten" })])
      const found = `Media/${picture}`
      yield* finds("I16", found, [pictured, media({ _tag: "ContentKept", content: other })])
      yield* finds("I16", found, [pictured, media({ _tag: "ContentForgotten" })])
      yield* finds("I16", found, [pictured, removed("asked"), media({ _tag: "ContentKept", content })])
      yield* finds("I16", found, [pictured, shown, removed("asked")])
      yield* finds("I16", found, [pictured, removed("unused")])
    })
  )

  it.effect("I16 finds a picture that does not know who shows it, or that a product shows it no more", () =>
    Effect.gen(function* () {
      const begins = shows([picture], [picture], [])
      const ends = shows([], [], [picture])
      const used = told("MediaUsed", "media:shown:1")
      const found = `Media/${picture}`
      yield* holds([mug, pictured, begins, used])
      yield* holds([mug, pictured, begins, used, ends, told("MediaReleased", "media:shown:2")])
      yield* holds([
        mug,
        pictured,
        begins,
        used,
        ends,
        told("MediaReleased", "media:shown:2"),
        told("MediaUsed", "hand")
      ])
      yield* finds("I16", found, [mug, pictured, begins])
      yield* finds("I16", found, [mug, pictured, begins, used, ends])
      yield* finds("I16", "Product/eu_MUG", [mug, pictured, shows([picture], [], [])])
    })
  )

  it.effect("I13 finds a category below itself, one below nothing, and one too deep", () =>
    Effect.gen(function* () {
      const tea = stands("tea", null)
      const black = stands("black", "tea")
      yield* holds([tea, black, stands("black", null), stands("tea", "black")])
      const tree = "CategoryTree/eu_categories"
      yield* finds("I13", tree, [tea, black, stands("tea", "black")])
      yield* finds("I13", tree, [tea, stands("black", "nowhere")])
      yield* finds("I13", tree, [tea, black, row("CategoryTree", "eu_categories", taken("tea"))])
      const chain = Array.from({ length: 21 }, (_, index) => stands(`n${index}`, index === 0 ? null : `n${index - 1}`))
      yield* holds(chain.slice(0, 20))
      yield* finds("I13", tree, chain)
      // A whole subtree that is too deep for one row only.
      const deep = [tea, black, ...chain.slice(0, 19), stands("tea", "n17")]
      yield* holds([...deep, stands("tea", null)])
      yield* finds("I13", tree, [...deep, stands("tea", "n18"), stands("tea", null)])
    })
  )

  it.effect("I14 finds a slug that leads to two products, and a product whose slug leads elsewhere", () =>
    Effect.gen(function* () {
      yield* holds(sold)
      yield* finds("I14", "Slug/eu_mug", [claimed("mug", "MUG"), claimed("mug", "CUP")])
      yield* finds("I14", "Product/eu_MUG", [claimed("mug", "CUP"), mug, ofMug({ _tag: "ProductNamed", slug: "mug" })])
      yield* finds("I14", "Product/eu_MUG", [mug, ofMug({ _tag: "ProductNamed", slug: "mug" })])
    })
  )

  it.effect("I15 finds a change that came too early, twice, or after it was withdrawn", () =>
    Effect.gen(function* () {
      const scheduled = (dueAt: number) => ofMug({ _tag: "ChangeScheduled", change: { ...spring, dueAt } })
      const due = ofMug({ _tag: "ChangeDue", changeId: "spring" })
      yield* holds([mug, scheduled(at), due])
      yield* finds("I15", "Product/eu_MUG", [mug, scheduled(at + 1), due])
      yield* finds("I15", "Product/eu_MUG", [mug, scheduled(at), due, due])
      yield* finds("I15", "Product/eu_MUG", [
        mug,
        scheduled(at),
        ofMug({ _tag: "ChangeWithdrawn", changeId: "spring" }),
        due
      ])
    })
  )

  it.effect("I17 finds a release that forgets a member, changes one twice, or one that is none of its own", () =>
    Effect.gen(function* () {
      const found = "Release/eu_autumn"
      yield* holds([mug, applied, planned, started, ended("done")])
      yield* holds([mug, planned, started, ended("changed")])
      yield* finds("I17", found, [mug, applied, applied, planned, started, ended("done")])
      yield* finds("I17", found, [mug, planned, started, ended("done")])
      yield* finds("I17", found, [mug, applied, planned, started, ended("changed")])
      yield* finds("I17", found, [mug, planned, started, release({ _tag: "ReleaseEnded" })])
      yield* finds("I17", found, [mug, applied, planned, release({ _tag: "ReleaseWithdrawn" })])
      yield* finds("I17", found, [mug, applied])
    })
  )

  it.effect("tells a history as text", () =>
    Effect.gen(function* () {
      yield* write(good)
      const lines = yield* Invariants.history("Payment", order)
      assert.strictEqual(lines.length, 4)
      assert.match(lines[1]!, /^2 .* epoch 1 c9 .*Authorised/)
    })
  )
})
