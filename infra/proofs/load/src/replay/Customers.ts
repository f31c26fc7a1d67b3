import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import { Edge } from "./Edge.ts"
import { Created } from "./EdgeSchema.ts"
import { Phases } from "./Phases.ts"
import type { Sale } from "./Sale.ts"

/** Customers are known by region: one who is invoiced in two is two. */
export const keyOf = (region: Region, customer: string): string => `${region}_${customer}`

export const email = (run: string, sale: Sale): string =>
  `${sale.customer ?? `guest-${sale.invoice}`}.${run}@replay.example.com`

/** Registers every customer of the sales, once a region; by region and customer id. */
export const register = Effect.fn("Customers.register")(function* (
  run: string,
  sales: ReadonlyArray<Sale>,
  concurrency: number
) {
  const edge = yield* Edge
  const progress = yield* Phases
  const first = new Map<string, Sale>()
  for (const sale of sales) {
    if (sale.customer === undefined) continue
    const key = keyOf(sale.region, sale.customer)
    if (!first.has(key)) first.set(key, sale)
  }
  yield* progress.phase("customers", first.size)
  const ids = yield* Effect.forEach(
    first,
    Effect.fnUntraced(function* ([key, sale]) {
      const { id } = yield* edge.ask({
        method: "POST",
        path: "/v1/customers",
        key: `${run}-customer-${key}`,
        body: { region: sale.region, email: email(run, sale), name: `Customer ${sale.customer}` },
        answer: Created
      })
      yield* progress.advance(1)
      return [key, id] as const
    }),
    { concurrency }
  )
  return new Map(ids)
})
