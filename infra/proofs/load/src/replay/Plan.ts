import * as Article from "./Article.ts"
import * as Bucket from "./Bucket.ts"
import { Purchases, type Return } from "./Purchases.ts"
import type { Malformed, Row } from "./Row.ts"
import * as Sale from "./Sale.ts"

/** All that a replay does, decided before it starts. */
export interface Plan {
  /** Rows of the file, the malformed too: the buckets sum to it. */
  readonly rows: number
  /** Invoices and cancellations within the limit. */
  readonly invoices: number
  readonly buckets: ReadonlyMap<Bucket.Bucket, number>
  readonly articles: ReadonlyArray<Article.Article>
  readonly sales: ReadonlyArray<Sale.Sale>
  readonly returns: ReadonlyArray<Return>
  /** Rows whose price has a fraction of a penny, and was rounded half to even. */
  readonly roundedPrices: number
}

type Rows = readonly [Row, ...ReadonlyArray<Row>]

/** The rows of each invoice, in the order of the invoices' first rows. */
const group = (rows: ReadonlyArray<Row>): ReadonlyArray<readonly [invoice: string, rows: Rows]> => {
  const groups = new Map<string, [Row, ...Array<Row>]>()
  for (const row of rows) {
    const rowsOf = groups.get(row.invoice)
    if (rowsOf === undefined) groups.set(row.invoice, [row])
    else rowsOf.push(row)
  }
  return [...groups]
}

/** Sales have plain numbers, cancellations start with `C`, bookkeeping entries with `A`. */
const kindOf = (invoice: string): "sale" | "cancellation" | "bookkeeping" | "unknown" => {
  if (/^\d+$/.test(invoice)) return "sale"
  if (/^C\d+$/i.test(invoice)) return "cancellation"
  return /^A\d+$/i.test(invoice) ? "bookkeeping" : "unknown"
}

const all = (rows: Rows, bucket: Bucket.Bucket): ReadonlyArray<Sale.Placed> => rows.map((row) => [row, bucket] as const)

const count = (placed: ReadonlyArray<Sale.Placed>, malformed: number): ReadonlyMap<Bucket.Bucket, number> => {
  const counts = new Map<Bucket.Bucket, number>(Bucket.names.map((name) => [name, 0]))
  for (const [, bucket] of placed) counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
  return counts.set("malformed", malformed)
}

const earlier = (one: Rows, other: Rows): number => (one[0].at < other[0].at ? -1 : one[0].at > other[0].at ? 1 : 0)

/** Plans the first `limit` invoices of a file, in order of time; a repeated plan of the same input is the same plan. */
export const make = (
  input: { readonly rows: ReadonlyArray<Row>; readonly malformed: ReadonlyArray<Malformed> },
  limit: number
): Plan => {
  const groups = group(input.rows)
  const within = groups.slice(0, limit)
  const placed: Array<Sale.Placed> = groups.slice(limit).flatMap(([, rows]) => all(rows, "beyond_limit"))
  const purchases = new Purchases()
  const sales: Array<Sale.Sale> = []
  const returns: Array<Return> = []
  for (const [invoice, rows] of within.toSorted((one, other) => earlier(one[1], other[1]))) {
    switch (kindOf(invoice)) {
      case "sale": {
        const made = Sale.make(invoice, rows)
        placed.push(...made.placed)
        if (made.sale === undefined) break
        sales.push(made.sale)
        purchases.add(made.sale)
        break
      }
      case "cancellation": {
        const made = purchases.cancel(invoice, rows)
        placed.push(...made.placed)
        returns.push(...made.returns)
        break
      }
      case "bookkeeping":
        placed.push(...all(rows, "bad_debt"))
        break
      case "unknown":
        placed.push(...all(rows, "unknown_invoice_kind"))
    }
  }
  const sold = placed.filter(([, bucket]) => bucket === "ordered" || bucket === "ordered_free").map(([row]) => row)
  return {
    rows: input.rows.length + input.malformed.length,
    invoices: within.length,
    buckets: count(placed, input.malformed.length),
    articles: Article.make(sales, sold),
    sales,
    returns,
    roundedPrices: within.flatMap(([, rows]) => rows).filter((row) => row.rounding === "changed").length
  }
}

/** Stock that a plan leaves behind, over what was there: what came in, less what was sold, plus what came back. */
export const leftover = (plan: Plan): ReadonlyMap<string, { received: number; sold: number; restocked: number }> => {
  const moves = new Map(
    plan.articles.map((article) => [
      Article.key(article.region, article.sku),
      { received: article.stock, sold: 0, restocked: 0 }
    ])
  )
  const add = (id: string, field: "sold" | "restocked", quantity: number): void => {
    const move = moves.get(id)
    if (move === undefined) throw new Error(`${id} is ${field} but in no catalogue`)
    move[field] += quantity
  }
  for (const { lines, region } of plan.sales)
    for (const line of lines) add(Article.key(region, line.sku), "sold", line.quantity)
  for (const { lines, region } of plan.returns)
    for (const line of lines) add(Article.key(region, line.sku), "restocked", line.quantity)
  return moves
}
