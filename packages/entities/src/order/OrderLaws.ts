import { orderIdOf } from "@halles/shared/Ids"
import { disputedOf } from "./OrderEvolve.ts"
import * as OrderState from "./OrderState.ts"
import { apportion } from "../sale/Apportion.ts"
import { fingerprint, type Facts, type OrderFacts, type StockFacts, Units } from "../laws/Facts.ts"
import { holdTtlMs } from "../inventory/Sku.ts"
import { age, type Findings } from "../laws/Findings.ts"
import { unitsFrom, unitsIn, unitsOf } from "./OrderUnits.ts"
import { compareReturns, wrongReduction, wrongRefunds, wrongReturn, wrongReturns } from "./ReturnLaws.ts"
import type { Laws } from "../laws/Rows.ts"

type Draft = OrderState.Draft
interface Options {
  readonly now: number
  readonly graceMs: number
}

/** I2, I3, I7 and I8: what an order says of itself against what cart, payment and stock say of it. */
export const orders: Laws<OrderState.State, OrderState.Event> = ({ facts, findings, ...options }) => ({
  history: (id) => {
    let placed = 0
    let isAwaited = false
    /** Steps that ended refused, with a reason in the history: what they were to do is with operators. */
    const ended = new Set<string>()
    return {
      event: (event, { seq }, before, state) => {
        if (event._tag === "ReturnRequested") {
          findings.checked("I7")
          const wrong = wrongReturn(before, event) ?? wrongReturns(state)
          if (wrong !== null) findings.violation("I7", "Order", id, seq, wrong)
        }
        if (event._tag === "RefundReduced") {
          const wrong = wrongReduction(before, event)
          if (wrong !== null) findings.violation("I7", "Order", id, seq, wrong)
        }
        if (event._tag === "StockReserved") {
          findings.checked("I9")
          const wrong = wrongTime(before, event)
          if (wrong !== null) findings.violation("I9", "Order", id, seq, wrong)
        }
        if (event._tag === "StepRefused") ended.add(event.step)
        const done = doneBy[event._tag]
        if (done !== undefined) ended.delete(done)
        if (event._tag !== "Placed") return
        placed += 1
        findings.checked("I2")
        findings.checked("I7")
        if (placed > 1) findings.violation("I2", "Order", id, seq, "placed again")
        const { attempt, cartId } = event.draft
        const wanted = orderIdOf(cartId, attempt)
        if (wanted !== id) findings.violation("I2", "Order", id, seq, `is of cart ${cartId}, whose order is ${wanted}`)
        const wrong = wrongTotals(event.draft)
        if (wrong !== null) findings.violation("I7", "Order", id, seq, wrong)
      },
      row: ({ seq }, { authorised, captured, refunded }) => {
        findings.checked("I3")
        if (captured > authorised || refunded > captured) {
          const detail = `authorised ${authorised}, captured ${captured}, refunded ${refunded}`
          findings.violation("I3", "Order", id, seq, detail)
        }
      },
      end: (state) => {
        const known = facts.take(id)
        if (state.draft === null) {
          findings.violation("I0", "Order", id, 1, "begins without Placed")
          return
        }
        compareCart(findings, id, state, known)
        comparePayment(findings, id, state, known, ended)
        compareStock(findings, id, state, known.stock, ended)
        isAwaited = state.phase === "awaitingStock" && known.stock?.isAwaited === true
      },
      // Back-ordered goods may take weeks; what has come in is noticed within the time of a retry.
      isPatient: () => isAwaited
    }
  },
  finish: () => withoutOrder(findings, facts, options)
})

/** Whether the figures of a draft follow from its lines and charges, at whole minor units. */
export const wrongTotals = ({ charges, discount, lines, totals }: Draft): string | null => {
  const amounts = lines.map(({ quantity, unitPrice }) => BigInt(quantity) * BigInt(unitPrice))
  const goods = amounts.reduce((sum, amount) => sum + amount, 0n)
  if (goods !== BigInt(totals.goods)) return `goods are ${totals.goods}, the lines sum to ${goods}`
  const charged = charges.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  if (charged !== BigInt(totals.charges)) return `charges are ${totals.charges}, they sum to ${charged}`
  const { tax, total: apportioned } = apportion({ lines, charges, discount })
  if (tax !== totals.tax) return `tax is ${totals.tax}, the lines make ${tax}`
  const total = goods + charged + BigInt(tax)
  if (total !== BigInt(totals.total)) return `the total is ${totals.total}, goods, charges and tax sum to ${total}`
  return apportioned === totals.total
    ? null
    : `the total is ${totals.total}, its lines and charges come to ${apportioned}`
}

/** By as much more than a hold lasts the clock of another runner may be behind. */
const clocksMs = 1_000

/**
 * Whether an order that was not paid for in time goes on. One that waited for goods to come in, or whose goods had left, may; so
 * may one that asked what is held for it, since they had left while it was given up.
 */
const wrongTime = (
  before: OrderState.State,
  { at, stock }: Extract<OrderState.Event, { readonly _tag: "StockReserved" }>
): string | null => {
  const lateBy = at - before.since - holdTtlMs
  const may = stock !== undefined || before.dispatched || before.phase === "awaitingStock"
  return may || lateBy <= clocksMs ? null : `goes on ${lateBy} ms after its holds were over`
}

/** What a step that is sent again has made good. */
const doneBy: Partial<Record<OrderState.Event["_tag"], string>> = {
  PaymentVoided: "void",
  StockShipped: "ship",
  StockReleased: "release"
}

/**
 * The order is what was checked out. Its cart was told that it came to nothing exactly if it has come to nothing: so the cart
 * that is bought with once more, which it is only after such word, has no other order that lives.
 */
const compareCart = (findings: Findings, id: string, state: OrderState.State, { cart }: OrderFacts): void => {
  findings.checked("I2")
  if (cart === null) {
    findings.violation("I2", "Order", id, 1, "its cart was not checked out")
    return
  }
  const { charges, currency, customerId, discount, lines, totals } = state.draft!
  if (cart.draft !== fingerprint([customerId, currency, lines, charges, discount, totals])) {
    findings.violation("I2", "Order", id, 1, "is not what its cart was at checkout")
  }
  const isOver = state.phase === "cancelled" || state.phase === "reopening"
  if (cart.isReopened && !isOver)
    findings.violation("I2", "Order", id, null, `${state.phase}, and its cart is reopened`)
  if (state.cartReopened && !cart.isReopened) {
    findings.violation("I2", "Order", id, null, "has reopened its cart, which knows nothing of it")
  }
}

/** Steps of a saga whose answer has not come: both sides may differ by what is under way. */
const moneyMoving = (state: OrderState.State): boolean =>
  ["authorising", "capturing", "voiding"].includes(state.phase) ||
  state.refused.some(({ again }) => again) ||
  state.returns.some(({ status }) => status === "stocked")

const comparePayment = (
  findings: Findings,
  id: string,
  state: OrderState.State,
  { payment }: OrderFacts,
  ended: ReadonlySet<string>
): void => {
  findings.checked("I7")
  const { authorised, captured, draft, phase, refunded } = state
  const wrong = (detail: string) => findings.violation("I7", "Order", id, null, detail)
  if (authorised !== 0 && authorised !== draft!.totals.total)
    wrong(`${authorised} authorised of ${draft!.totals.total}`)
  if (payment === null) {
    if (authorised !== 0) wrong(`${authorised} authorised, and there is no payment`)
    return
  }
  if (authorised !== 0 && payment.authorised !== authorised) {
    wrong(`${authorised} authorised, its payment says ${payment.authorised}`)
  }
  if (moneyMoving(state)) return
  if (payment.captured !== captured) wrong(`${captured} captured, its payment says ${payment.captured}`)
  if (payment.refunded !== refunded) wrong(`${refunded} refunded, its payment says ${payment.refunded}`)
  const disputed = disputedOf(state)
  if (payment.disputed !== disputed && !payment.isTelling) {
    wrong(`${disputed} disputed, its payment says ${payment.disputed}`)
  }
  const short = wrongRefunds(state, payment)
  if (short !== null && !payment.isTelling) wrong(short)
  if (phase !== "cancelled" && phase !== "reopening") return
  findings.checked("I8")
  const keeps = payment.captured - payment.refunded
  if (keeps !== 0) findings.violation("I8", "Order", id, null, `cancelled, and ${keeps} of its money kept`)
  if (payment.authorised > 0 && payment.captured === 0 && !payment.voided && !ended.has("void")) {
    findings.violation("I8", "Order", id, null, `cancelled, and ${payment.authorised} still authorised`)
  }
}

const compareStock = (
  findings: Findings,
  id: string,
  state: OrderState.State,
  stock: StockFacts | null,
  ended: ReadonlySet<string>
): void => {
  findings.checked("I8")
  const bought = unitsOf(state.draft!.lines)
  const allocated = unitsFrom(state.stock)
  const none = new Units()
  const { forgotten, held, reserved, restocked, shipped, writtenOff } = stock ?? {
    held: none,
    reserved: none,
    forgotten: none,
    shipped: none,
    restocked: none,
    writtenOff: none
  }
  const wrong = (what: string) => {
    const counts = `held ${held.count}, reserved ${reserved.count}, shipped ${shipped.count} of ${bought.count}`
    findings.violation("I8", "Order", id, null, `${state.phase}: ${what} (${counts})`)
  }
  switch (state.phase) {
    case "booking":
    case "confirmed":
    case "capturing":
      if (!held.plus(reserved).equals(bought)) wrong("paid, and not all of its stock is kept for it")
      break
    case "shipped":
    case "delivered":
      if (ended.has("ship")) break
      if (!shipped.equals(allocated)) wrong("shipped, and the stock says otherwise, or from elsewhere")
      if (!unitsIn(state.stock).equals(bought)) wrong("shipped, and not what was bought")
      if (!held.isNone || !reserved.isNone) wrong("shipped, and still keeps stock")
      break
    case "reopening":
    case "cancelled":
      if (ended.has("release")) break
      if (!held.isNone || !reserved.isNone) wrong("cancelled, and still keeps stock")
      if (!forgotten.isNone) wrong("cancelled, and left its stock to the time-out")
      if (!shipped.isNone) wrong("cancelled, and stock was shipped for it")
      break
    default:
      break
  }
  compareReturns(findings, id, state, { restocked, writtenOff })
}

/** What carts, payments and stock say of orders that have no history. */
const withoutOrder = (findings: Findings, facts: Facts, { graceMs, now }: Options): void => {
  for (const [id, { cart, payment, stock }] of facts.left) {
    if (cart !== null) {
      if (now - cart.at < graceMs) findings.running("I2")
      else findings.violation("I2", "Cart", id, null, `checked out for ${age(now - cart.at)} and has no order`)
    }
    if (payment !== null) findings.violation("I8", "Payment", id, null, "of an order that does not exist")
    if (stock !== null && !(stock.held.isNone && stock.reserved.isNone && stock.shipped.isNone)) {
      findings.violation(
        "I8",
        "Order",
        id,
        null,
        `does not exist, and ${stock.held.count + stock.reserved.count} units are kept for it`
      )
    }
  }
}
