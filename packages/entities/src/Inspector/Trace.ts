import { SkuCode, skuId } from "@halles/shared/Ids"
import { type Region, regionOf } from "@halles/shared/Region"
import { Effect } from "effect"
import { refsOf, type Row, rowsOf, rowsOfSender } from "./Histories.ts"

/** SKUs of one order that are looked into. */
const skusMax = 2_000

/** The id that a command belongs to: `eu_x:hold:1` was sent by `eu_x`; anything else is an id itself. */
const subjectOf = (given: string): string => /^((?:eu|am|ap)_[A-Za-z0-9_-]{1,60}):/.exec(given)?.[1] ?? given

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

/**
 * What one customer action caused: the rows of cart, order, payment and shipment under its id, and what the order asked
 * of SKUs and of the customer, in the order in which they were committed. No table is read as a whole.
 */
export const traced = Effect.fn("Trace.traced")(function* (given: string) {
  const id = subjectOf(given)
  const own = (yield* Effect.forEach(yield* refsOf(id), (ref) => rowsOf(ref, {}))).flat()
  const region = regionOf(id) as Region
  const asked = yield* Effect.forEach(skusIn(own), (sku) => rowsOfSender({ type: "Sku", id: skuId(region, sku) }, id))
  const customers = new Set(
    own.flatMap(({ events }) =>
      events.flatMap((event) =>
        "customerId" in event && typeof event.customerId === "string" ? [event.customerId] : []
      )
    )
  )
  const noted = yield* Effect.forEach(customers, (customer) => rowsOfSender({ type: "Customer", id: customer }, id))
  return [...own, ...asked.flat(), ...noted.flat()].toSorted((a, b) => a.at - b.at || Number(a.position - b.position))
})
