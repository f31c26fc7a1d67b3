import { given } from "@halles/shared/wire/Stamp"
import type { Event, State } from "./OrderState.ts"
import { plan } from "./OrderReturns.ts"
import { apportion, paidUpTo } from "../sale/Apportion.ts"
import type { StockFacts } from "../laws/Facts.ts"
import { Units } from "../laws/Facts.ts"
import type { Findings } from "../laws/Findings.ts"
import { unitsIn, unitsOf } from "./OrderUnits.ts"

type Requested = Extract<Event, { readonly _tag: "ReturnRequested" }>

/** I7 of a return: it pays back what was paid for what it brings, no more and no less. `before` is the order without it. */
export const wrongReturn = (before: State, { amount, lines, origins, outbound }: Requested): string | null => {
  const due = plan(
    before,
    lines.map(({ quantity, sku, variant }) => ({ sku, variant, quantity }))
  )
  if (JSON.stringify([due.lines, due.outbound, due.amount]) !== JSON.stringify([lines, outbound, amount])) {
    return `a return is to pay back ${amount}, what it brings back cost ${due.amount}`
  }
  return JSON.stringify(due.origins) === JSON.stringify(origins)
    ? null
    : "goods go back to where they did not come from"
}

/** A refund that is asked for with less is asked for with less: else it would be asked for again and again. */
export const wrongReduction = (
  before: State,
  { returnId, to }: Extract<Event, { readonly _tag: "RefundReduced" }>
): string | null => {
  const one = before.returns.find((one) => one.returnId === returnId)
  const wanted = one === undefined ? 0 : (one.limit ?? one.amount - one.refunded)
  return to < wanted ? null : `a refund of ${wanted} is reduced to ${to}`
}

/**
 * I3 and I7 of all returns together, from their sums: no line pays back more than it cost, one that is back as a whole pays
 * back exactly that, shipping and fees are paid back once, and no warehouse gets more of a SKU than it had sent. What goes to
 * warehouses is what the lines come to, all parts of a bundle together.
 */
export const wrongReturns = ({ draft, returns, stock }: State): string | null => {
  if (draft === null || returns.length === 0) return null
  const standing = returns.filter(({ status }) => status !== "refused")
  const { lines: shares, outbound } = apportion(draft)
  const back = new Map<string, { units: number; refund: number }>()
  for (const { quantity, refund, sku, variant } of standing.flatMap(({ lines }) => lines)) {
    const sum = back.get(`${sku}/${variant}`) ?? { units: 0, refund: 0 }
    back.set(`${sku}/${variant}`, { units: sum.units + quantity, refund: sum.refund + refund })
  }
  for (const [index, { quantity, sku, variant }] of draft.lines.entries()) {
    const { refund, units } = back.get(`${sku}/${variant}`) ?? { units: 0, refund: 0 }
    const { paid } = shares[index]!
    if (units > quantity) return `${units} of ${quantity} ${sku} came back`
    if (refund > paid || (units === quantity && refund !== paidUpTo(paid, units, quantity))) {
      return `${refund} is paid back for ${units} of ${quantity} ${sku}, which cost ${paid}`
    }
  }
  const partsOf = new Map(draft.lines.map(({ parts, sku }) => [sku, parts]))
  const bought = draft.lines.reduce((sum, { quantity }) => sum + quantity, 0)
  for (const one of standing) {
    const units = one.lines.reduce((sum, { quantity }) => sum + quantity, 0)
    if (one.outbound !== (units === bought ? outbound : 0)) {
      return `${one.outbound} of shipping and fees is paid back for ${units} of ${bought} units, ${outbound} was paid`
    }
    const sent = unitsOf(one.lines.map((line) => ({ ...line, ...given("parts", partsOf.get(line.sku)) })))
    if (!unitsIn(one.origins).equals(sent))
      return `${sent.count} units come back, and ${unitsIn(one.origins).count} go to warehouses`
  }
  const left = new Map(
    stock.flatMap(({ allocations, sku }) =>
      allocations.map(({ quantity, warehouse }) => [`${sku}/${warehouse}`, quantity] as const)
    )
  )
  for (const { allocations, sku } of standing.flatMap(({ origins }) => origins)) {
    for (const { quantity, warehouse } of allocations) {
      const rest = (left.get(`${sku}/${warehouse}`) ?? 0) - quantity
      if (rest < 0) return `${warehouse} gets more ${sku} back than had left it`
      left.set(`${sku}/${warehouse}`, rest)
    }
  }
  return null
}

/**
 * I7 of what was paid back: to the last minor unit what was to be, but where nothing is left to pay it from, because a bank
 * has given it back or nothing was captured.
 */
export const wrongRefunds = (
  { authorised, captured, returns }: State,
  payment: { readonly disputed: number }
): string | null => {
  const paid = returns.filter(({ status }) => status === "refunded")
  const over = paid.find(({ amount, refunded }) => refunded > amount)
  if (over !== undefined) return `return ${over.returnId} paid back ${over.refunded} of ${over.amount}`
  const short = paid.reduce((sum, { amount, refunded }) => sum + amount - refunded, 0)
  const gone = payment.disputed + Math.max(0, authorised - captured)
  return short > gone ? `${short} of its returns is not paid back, ${gone} is with a bank or was never captured` : null
}

/** I8 of returns: what came back is in the books of the warehouses that it went to. */
export const compareReturns = (
  findings: Findings,
  id: string,
  state: State,
  { restocked, writtenOff }: Pick<StockFacts, "restocked" | "writtenOff">
): void => {
  if (state.returns.some(({ status }) => status === "received")) return
  if (state.refused.some(({ again, step }) => again && step.startsWith("stock-"))) return
  const came = ["stocked", "refunded", "refund_refused", "settled"]
  const of = (disposition: string) => {
    const units = new Units()
    const add = (parts: State["stock"], sign: number) => {
      for (const { allocations, sku } of parts) {
        for (const { quantity, warehouse } of allocations) units.add(`${sku}/${warehouse}`, sign * quantity)
      }
    }
    for (const one of state.returns) {
      if (one.disposition !== disposition || !came.includes(one.status)) continue
      add(one.origins, 1)
      add(one.unstocked, -1)
    }
    return units
  }
  findings.checked("I8")
  if (restocked.equals(of("restock")) && writtenOff.equals(of("write_off"))) return
  const detail =
    `its returns put ${of("restock").count} back and wrote ${of("write_off").count} off, ` +
    `the stock says ${restocked.count} and ${writtenOff.count}, or other warehouses`
  findings.violation("I8", "Order", id, null, detail)
}
