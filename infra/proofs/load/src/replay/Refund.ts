import type { Return } from "./Purchases.ts"
import type { Line, Sale } from "./Sale.ts"

const sum = (amounts: ReadonlyArray<number>): number => amounts.reduce((total, amount) => total + amount, 0)
const keyOf = ({ sku, variant }: Line): string => `${sku} ${variant ?? ""}`

/** What each line of a sale cost, in pence: what was taken off the order is shared in proportion, the odd pence to the largest remainders. */
const paidFor = (sale: Sale): { readonly paid: ReadonlyMap<string, number>; readonly rest: number } => {
  const prices = sale.lines.map(({ pence, quantity }) => pence * quantity)
  const goods = sum(prices)
  const off = Math.min(goods, -sum(sale.charges.filter(({ kind }) => kind === "discount").map(({ pence }) => pence)))
  const floors = prices.map((price) => Math.floor((off * price) / goods))
  const byRemainder = prices.map((price, index) => [(off * price) % goods, index] as const)
  const odd = off - sum(floors)
  const favoured = byRemainder.toSorted(([a, at], [b, bt]) => b - a || at - bt).slice(0, odd)
  const extra = new Set(favoured.map(([, index]) => index))
  const costs = prices.map((price, index) => price - floors[index]! - (extra.has(index) ? 1 : 0))
  const paid = new Map(sale.lines.map((line, index) => [keyOf(line), costs[index]!]))
  return { paid, rest: sale.total - sum(costs) }
}

/**
 * What the returns of a sale are to pay back, in pence: of each line its part of what it cost, and the charges as well when
 * one return brings everything back.
 */
export const refundOf = (sale: Sale, returns: ReadonlyArray<Return>): number => {
  const back = new Map<string, number>()
  for (const line of returns.flatMap(({ lines }) => lines)) {
    back.set(keyOf(line), (back.get(keyOf(line)) ?? 0) + line.quantity)
  }
  const { paid, rest } = paidFor(sale)
  const refunds = sale.lines.map((line) =>
    Math.floor((paid.get(keyOf(line))! * (back.get(keyOf(line)) ?? 0)) / line.quantity)
  )
  const isWhole = returns.length === 1 && sale.lines.every((line) => back.get(keyOf(line)) === line.quantity)
  return sum(refunds) + (isWhole ? rest : 0)
}
