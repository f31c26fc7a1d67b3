import * as Bucket from "./Bucket.ts"
import type { Entry } from "./Reconciliation.ts"
import type { Outcome } from "./Turns.ts"
import type { Plan } from "./Plan.ts"
import { refundOf } from "./Refund.ts"

const mismatchesMax = 20

/** The last line of a replay. `excluded` counts rows by bucket; latencies run from the checkout request to confirmed. */
export interface Summary {
  readonly invoices: number
  readonly orders: number
  readonly returns: number
  readonly excluded: Readonly<Record<string, number>>
  readonly totalsMismatched: number
  readonly stockMismatched: number
  readonly moneyMismatched: number
  readonly ordersPerSecond: number
  readonly p50ms: number
  readonly p99ms: number
}

/** Nearest rank (ISO 3534-1 sample quantile): the smallest value that at least `percent` of them do not exceed. */
export const percentile = (values: ReadonlyArray<number>, percent: number): number =>
  values.toSorted((one, other) => one - other)[Math.max(0, Math.ceil((percent / 100) * values.length) - 1)] ?? 0

export const summary = (
  plan: Plan,
  outcome: Outcome,
  entries: ReadonlyArray<Entry>,
  stock: ReadonlyArray<string>
): Summary => {
  const latencies = [...outcome.placed.values()].map((placed) => placed.latencyMs)
  const excluded = [...plan.buckets].filter(([bucket, rows]) => rows > 0 && !Bucket.buckets[bucket].replayed)
  const rate = outcome.seconds === 0 ? 0 : outcome.placed.size / outcome.seconds
  return {
    invoices: plan.invoices,
    orders: outcome.placed.size,
    returns: outcome.returned,
    excluded: Object.fromEntries(excluded),
    totalsMismatched: entries.filter((entry) => entry.total.length > 0).length,
    stockMismatched: stock.length,
    moneyMismatched: entries.filter((entry) => entry.money.length > 0).length,
    ordersPerSecond: Math.round(rate * 10) / 10,
    p50ms: percentile(latencies, 50),
    p99ms: percentile(latencies, 99)
  }
}

/** Pounds and pence of a whole number of pence. */
const pounds = (pence: number): string => {
  const text = String(Math.abs(pence)).padStart(3, "0")
  return `${pence < 0 ? "-" : ""}${text.slice(0, -2)}.${text.slice(-2)}`
}

/** Where the rows of the file went; throws if they do not sum to the file, which would be a fault of ours. */
export const rows = (plan: Plan): ReadonlyArray<string> => {
  const counts = [...plan.buckets].filter(([, count]) => count > 0)
  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  if (total !== plan.rows) throw new Error(`${plan.rows} rows, but ${total} in the buckets`)
  const text = ([bucket, count]: (typeof counts)[number]) =>
    `${String(count).padStart(9)}  ${bucket.padEnd(26)}${Bucket.buckets[bucket].meaning}`
  return [
    "Rows by bucket",
    ...counts.filter(([bucket]) => Bucket.buckets[bucket].replayed).map(text),
    "    -- not replayed, or in part --",
    ...counts.filter(([bucket]) => !Bucket.buckets[bucket].replayed).map(text),
    `${String(total).padStart(9)}  rows in the file${plan.roundedPrices === 0 ? "" : `; ${plan.roundedPrices} prices rounded to the penny`}`
  ]
}

const mismatches = (title: string, texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  texts.length === 0
    ? []
    : [
        `${title}: ${texts.length}${texts.length > mismatchesMax ? `, the first ${mismatchesMax}` : ""}`,
        ...texts.slice(0, mismatchesMax).map((text) => `  ${text}`)
      ]

const total = (entries: ReadonlyArray<Entry>, field: "invoiced" | "captured" | "refunded"): number =>
  entries.reduce((sum, entry) => sum + entry[field], 0)

/** The readable part of the end of a replay. */
export const text = (
  plan: Plan,
  outcome: Outcome,
  entries: ReadonlyArray<Entry>,
  stock: ReadonlyArray<string>,
  retries: number
): ReadonlyArray<string> => {
  const { ordersPerSecond, p50ms, p99ms } = summary(plan, outcome, entries, stock)
  const texts = (field: "total" | "money") =>
    entries
      .filter((entry) => entry[field].length > 0)
      .map((entry) => `invoice ${entry.invoice}: ${entry[field].join("; ")}`)
  const returnsOf = Map.groupBy(plan.returns, (back) => back.invoice)
  const refunds = plan.sales.reduce((sum, sale) => sum + refundOf(sale, returnsOf.get(sale.invoice) ?? []), 0)
  return [
    ...rows(plan),
    "",
    `Orders   ${outcome.placed.size} of ${plan.sales.length} invoices; invoiced ${pounds(total(entries, "invoiced"))} GBP, captured ${pounds(total(entries, "captured"))}`,
    `Returns  ${outcome.returned} of ${plan.returns.length}; due back ${pounds(refunds)} GBP, refunded ${pounds(total(entries, "refunded"))}`,
    `Stock    ${plan.articles.length} SKUs in their regions, ${stock.length} differ`,
    `Speed    ${ordersPerSecond} orders/s over ${outcome.seconds.toFixed(1)} s; checkout to confirmed: median ${p50ms} ms, 99th percentile ${p99ms} ms; ${retries} requests retried`,
    ...(outcome.latenessMsMax > 0
      ? [`         open loop: at most ${Math.round(outcome.latenessMsMax)} ms behind its schedule`]
      : []),
    ...mismatches("Failures", outcome.failures),
    ...mismatches("Totals that do not match", texts("total")),
    ...mismatches("Payments that do not match", texts("money")),
    ...mismatches("Stock that does not match", stock)
  ]
}
