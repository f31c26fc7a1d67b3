import { Effect } from "effect"
import * as Invoices from "../replay/Invoices.ts"
import * as ReplayPlan from "../replay/Plan.ts"
import type { Key } from "./Keys.ts"
import type { Sale } from "../run/Work.ts"

/** Sales of a file with the times at which they were made, squeezed into a span. */
export interface Sales {
  /** Lines for `--keys file:`: each SKU of each region that is sold, by how often. */
  readonly lines: string
  readonly sales: (keys: ReadonlyArray<Key>) => ReadonlyArray<Sale>
  readonly atMs: ReadonlyArray<number>
}

const secondsOf = (at: string): number => Date.parse(`${at}Z`) / 1000

/** The first `limit` invoices of a file that become orders, in `spanMs`; nights and Sundays shrink with the rest. */
export const read = Effect.fn("Sales.read")(function* (file: string, limit: number, spanMs: number) {
  const { sales } = ReplayPlan.make(yield* Invoices.read(file), limit)
  const first = secondsOf(sales[0]?.at ?? "")
  const last = secondsOf(sales.at(-1)?.at ?? "")
  const sold = new Map<string, number>()
  for (const { lines, region } of sales) {
    for (const { sku } of lines) sold.set(`${region}_${sku}`, (sold.get(`${region}_${sku}`) ?? 0) + 1)
  }
  /** The file's clock has minutes: what came within one is spread over it, so that it does not come at once. */
  const ofMinute = Map.groupBy(sales.keys(), (n) => sales[n]!.at.slice(0, 16))
  const within = (n: number) => {
    const those = ofMinute.get(sales[n]!.at.slice(0, 16)) ?? []
    return those.indexOf(n) / those.length
  }
  const found: Sales = {
    lines: [...sold].map(([sku, times]) => `${sku} ${times}\n`).join(""),
    sales: (keys) => {
      const indexOf = new Map(keys.map(({ name, region }, n) => [`${region}_${name}`, n]))
      return sales.map(({ lines, region }) => ({
        key: indexOf.get(`${region}_${lines[0]?.sku ?? ""}`) ?? 0,
        items: [...Map.groupBy(lines, ({ sku }) => sku)].map(([code, ofSku]) => ({
          code,
          quantity: ofSku.reduce((sum, { quantity }) => sum + quantity, 0)
        }))
      }))
    },
    atMs: sales
      .map(({ at }, n) => ((secondsOf(at) - first + 60 * within(n)) / (last - first + 60)) * spanMs)
      .toSorted((a, b) => a - b)
  }
  return found
})
