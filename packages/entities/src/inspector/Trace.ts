import { SkuCode, skuId } from "@halles/shared/Ids"
import { type Region, regionOf } from "@halles/shared/Region"
import { Effect } from "effect"
import { refsOf, type Row, rowsOf, rowsOfSender } from "./Histories.ts"
import { cartIdIn, orderIdsIn } from "./Purchase.ts"

/** SKUs of one order that are looked into. */
const skusMax = 2_000

/** The id that a command belongs to: `eu_x:hold:1` was sent by `eu_x`; anything else is an id itself. */
const subjectOf = (given: string): string => /^((?:eu|am|ap)_[A-Za-z0-9_-]{1,63}):/.exec(given)?.[1] ?? given

const skusIn = (rows: ReadonlyArray<Row>): ReadonlyArray<SkuCode> => {
  const found = new Set<SkuCode>()
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      if (key === "sku" && typeof inner === "string") found.add(SkuCode.make(inner))
      else visit(inner)
    }
  }
  for (const { events, type } of rows) if (type === "Order" || type === "Cart") visit(events)
  return [...found].slice(0, skusMax)
}

const rowsUnder = (id: string) =>
  Effect.map(
    Effect.flatMap(refsOf(id), (refs) => Effect.forEach(refs, (ref) => rowsOf(ref, {}))),
    (histories) => histories.flat()
  )

/** What is there under an id, and under those of its cart and of the cart's other orders. */
const purchase = Effect.fnUntraced(function* (given: string) {
  const rows = new Map<string, ReadonlyArray<Row>>([[given, yield* rowsUnder(given)]])
  const add = Effect.fnUntraced(function* (id: string | null) {
    if (id !== null && !rows.has(id)) rows.set(id, yield* Effect.catchTag(rowsUnder(id), "NoHistory", () => none))
  })
  yield* add(cartIdIn([...rows.values()].flat()))
  yield* Effect.forEach(orderIdsIn([...rows.values()].flat()), add)
  return rows
})
const none = Effect.succeed<ReadonlyArray<Row>>([])

/**
 * What one customer action caused: the rows of cart, orders, payments and shipments of a purchase, and what the orders asked
 * of SKUs and of the customer, in the order in which they were committed. No table is read as a whole.
 */
export const traced = Effect.fn("Trace.traced")(function* (given: string) {
  const histories = yield* purchase(subjectOf(given))
  const own = [...histories.values()].flat()
  const region = regionOf(subjectOf(given)) as Region
  const of = (type: string, id: string) =>
    Effect.map(
      Effect.forEach([...histories.keys()], (sender) => rowsOfSender({ type, id }, sender)),
      (rows) => rows.flat()
    )
  const ofSkus = yield* Effect.forEach(skusIn(own), (sku) => of("Sku", skuId(region, sku)))
  const customers = new Set(
    own.flatMap(({ events }) =>
      events.flatMap((event) =>
        "customerId" in event && typeof event.customerId === "string" ? [event.customerId] : []
      )
    )
  )
  const noted = yield* Effect.forEach(customers, (customer) => of("Customer", customer))
  return [...own, ...ofSkus.flat(), ...noted.flat()].toSorted((a, b) => a.at - b.at || Number(a.position - b.position))
})
