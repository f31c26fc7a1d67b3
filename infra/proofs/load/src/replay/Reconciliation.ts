import { Clock, Effect } from "effect"
import * as Article from "./Article.ts"
import * as Catalogue from "./Catalogue.ts"
import { Edge } from "./Edge.ts"
import * as EdgeSchema from "./EdgeSchema.ts"
import type { Placed } from "./Orders.ts"
import * as Plan from "./Plan.ts"
import { Phases } from "./Phases.ts"
import type { Return } from "./Purchases.ts"
import { refundOf } from "./Refund.ts"
import type { OnHand } from "./RunState.ts"
import type { Sale } from "./Sale.ts"

const readsMax = 16
const pollMsMin = 100
const pollMsMax = 2_000
/** How long an order may take to ship and to be refunded, and stock to come to rest. */
const settleMsMax = 300_000
/** After so many that did not settle, the rest is read once: all waiting in turn would take hours. */
const unsettledMax = 20

/** What an order came to, beside what its invoice says. */
export interface Entry {
  readonly invoice: string
  /** Empty when the order's lines, charges and total are the invoice's. */
  readonly total: ReadonlyArray<string>
  /** Empty when the total was captured and the returns, and no more, refunded. */
  readonly money: ReadonlyArray<string>
  readonly invoiced: number
  readonly captured: number
  readonly refunded: number
}

const compare = (name: string, expected: number | string, actual: number | string): ReadonlyArray<string> =>
  expected === actual ? [] : [`${name} should be ${expected}, is ${actual}`]

const sum = (amounts: ReadonlyArray<number>): number => amounts.reduce((total, amount) => total + amount, 0)

const linesOf = (lines: ReadonlyArray<readonly [sku: string, pence: number, quantity: number]>): string =>
  lines
    .map(([sku, pence, quantity]) => `${sku} ${quantity} x ${pence}`)
    .toSorted()
    .join(", ")

/** Compares an order with the invoice that it was placed for and with the returns made from it; amounts in pence. */
export const compareOrder = (sale: Sale, returns: ReadonlyArray<Return>, order: EdgeSchema.Order): Entry => {
  const pence = EdgeSchema.pence
  const goods = sum(sale.lines.map((line) => line.quantity * line.pence))
  const charges = sum(sale.charges.map((charge) => charge.pence))
  const refund = refundOf(sale, returns)
  const wanted = linesOf(sale.lines.map((line) => [line.sku, line.pence, line.quantity]))
  const got = linesOf(order.lines.map((line) => [line.sku, pence(line.unitPrice), line.quantity]))
  return {
    invoice: sale.invoice,
    invoiced: sale.total,
    captured: pence(order.payment.captured),
    refunded: pence(order.payment.refunded),
    total: [
      ...compare("total", sale.total, pence(order.totals.total)),
      ...compare("goods", goods, pence(order.totals.goods)),
      ...compare("charges", charges, pence(order.totals.charges)),
      ...(wanted === got ? [] : ["the lines differ"])
    ],
    money: [
      ...compare("authorised", sale.total, pence(order.payment.authorised)),
      ...compare("captured", sale.total, pence(order.payment.captured)),
      ...compare("refunded", refund, pence(order.payment.refunded)),
      ...compare("returns", returns.length, order.returns.length),
      ...compare("refunded by returns", refund, sum(order.returns.map((back) => pence(back.refunded))))
    ]
  }
}

/** Reads until the value is at rest, the time is over, or too many others never came to rest. */
const patience = () => {
  let unsettled = 0
  return Effect.fnUntraced(function* <A, E, R>(read: Effect.Effect<A, E, R>, atRest: (value: A) => boolean) {
    const startedMs = yield* Clock.currentTimeMillis
    for (let polls = 0; ; polls++) {
      const value = yield* read
      if (atRest(value)) return value
      const over = (yield* Clock.currentTimeMillis) - startedMs > settleMsMax
      if (over || unsettled >= unsettledMax) {
        unsettled += 1
        return value
      }
      yield* Effect.sleep(Math.min(pollMsMax, pollMsMin * 2 ** Math.min(polls, 10)))
    }
  })
}

/** The orders against their invoices, each read once it has shipped and its returns are refunded. */
export const orders = Effect.fn("Reconciliation.orders")(function* (
  plan: Plan.Plan,
  placed: ReadonlyMap<string, Placed>
) {
  const edge = yield* Edge
  const progress = yield* Phases
  const returnsOf = Map.groupBy(plan.returns, (back) => back.invoice)
  const settle = patience()
  yield* progress.phase("orders", plan.sales.length)
  const read = Effect.fnUntraced(function* (sale: Sale) {
    const sold = placed.get(sale.invoice)
    if (sold === undefined)
      return { invoice: sale.invoice, total: ["no order"], money: [], invoiced: sale.total, captured: 0, refunded: 0 }
    const ask = edge.ask({ method: "GET", path: `/v1/orders/${sold.orderId}`, answer: EdgeSchema.Order })
    const returns = returnsOf.get(sale.invoice) ?? []
    return yield* settle(
      Effect.map(ask, (order) => compareOrder(sale, returns, order)),
      (entry) => entry.money.length === 0
    )
  })
  return yield* Effect.forEach(plan.sales, (sale) => Effect.tap(read(sale), progress.advance(1)), {
    concurrency: readsMax
  })
})

/** Stock of each article against what was there before and what the plan moved; one text a SKU that differs. */
export const stock = Effect.fn("Reconciliation.stock")(function* (plan: Plan.Plan, before: OnHand) {
  const progress = yield* Phases
  const moves = Plan.leftover(plan)
  const settle = patience()
  yield* progress.phase("stock", plan.articles.length)
  const read = Effect.fnUntraced(function* (article: Article.Article) {
    const id = Article.key(article.region, article.sku)
    const { onHand, shipped } = before[id] ?? { onHand: 0, shipped: 0 }
    const { received, restocked, sold } = moves.get(id) ?? { received: 0, restocked: 0, sold: 0 }
    const differences = (found: EdgeSchema.Stock | undefined): ReadonlyArray<string> =>
      found === undefined
        ? ["unknown"]
        : [
            ...compare("on hand", onHand + received - sold + restocked, found.onHand),
            ...compare("shipped", shipped + sold, found.shipped),
            ...compare("held", 0, found.held),
            ...compare("reserved", 0, found.reserved)
          ]
    const left = yield* settle(Effect.map(Catalogue.stockOf(article), differences), (texts) => texts.length === 0)
    yield* progress.advance(1)
    return left.length === 0 ? [] : [`${id}: ${left.join("; ")}`]
  })
  return (yield* Effect.forEach(plan.articles, read, { concurrency: readsMax })).flat()
})
