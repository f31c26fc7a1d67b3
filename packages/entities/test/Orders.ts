import { CommandId, OrderId, SkuCode, WarehouseId } from "@halles/shared/Ids"
import { Result } from "effect"
import { NoteDelivered, NoteDispatched, NoteReturnReceived, Operate, Place, RequestReturn } from "../src/order/Order.ts"
import { view } from "../src/order/OrderAnswers.ts"
import { pendingSteps } from "../src/order/OrderPendingStep.ts"
import * as OrderState from "../src/order/OrderState.ts"

// Orders that are driven by hand: what an order of two lines does with each answer.

export const commandId = (id: string) => CommandId.make(id)
export const tea = SkuCode.make("TEA")
export const mug = SkuCode.make("MUG")

const place = (
  lines: ReadonlyArray<{
    readonly sku: SkuCode
    readonly quantity: number
    readonly unitPrice: number
    readonly taxRate: number
  }>,
  discount: number
) => {
  const goods = lines.reduce((sum, line) => sum + line.quantity * line.unitPrice, 0)
  return new Place({
    commandId: commandId("place"),
    cartId: "eu_1" as Place["cartId"],
    attempt: 1,
    customerId: null,
    currency: "GBP",
    lines: lines.map((line) => ({ ...line, variant: "", title: line.sku })),
    charges: [],
    discount,
    totals: { goods, charges: 0 - discount, tax: 0, total: goods - discount },
    email: "a@example.org",
    shippingAddress: { name: "A", line1: "1 Street", city: "York", postalCode: "YO1", country: "GB" },
    paymentToken: "tok_ok"
  })
}
export const twoLines = place(
  [
    { sku: tea, quantity: 3, unitPrice: 495, taxRate: 0 },
    { sku: mug, quantity: 1, unitPrice: 1200, taxRate: 0 }
  ],
  0
)

/** What the SKUs hold for it, but for so many units of the tea. */
const held = (missing: number): OrderState.Outcome => ({
  _tag: "Held",
  stock: [tea, mug].map((sku) => {
    const quantity = sku === tea ? 3 - missing : 1
    return { sku, allocations: quantity === 0 ? [] : [{ warehouse: WarehouseId.make("eu-main"), quantity }] }
  })
})

/**
 * As hoped, or not; with a number, as hoped once so many units have come in. `refused`: not, though nothing else can be done;
 * `deadly`: the other party does nothing but die of it.
 */
export type Luck = boolean | number | "refused" | "deadly"

/** How the other party answers a step. */
const answer = (pendingStep: OrderState.PendingStep, luck: Luck): OrderState.Outcome => {
  if (luck === "deadly") return { _tag: "Faulted", reason: "CommandDeadly" }
  if (luck === "refused") return refused(pendingStep)
  switch (pendingStep._tag) {
    case "HoldStock":
    case "AwaitStock":
      if (luck === false) return { _tag: "NoStock", missing: [{ sku: tea, wanted: 3, available: 1 }] }
      return held(luck === true ? 0 : luck)
    case "BookShipment":
      return luck ? { _tag: "Booked", trackingNumbers: ["T1"] } : { _tag: "Refused", reason: "no_service" }
    case "CollectReturn":
      return luck ? { _tag: "Labelled", label: "L1" } : { _tag: "Refused", reason: "no_service" }
    case "Authorise":
    case "RecallShipment":
      return luck ? { _tag: "Done" } : { _tag: "Refused", reason: "no" }
    default:
      return { _tag: "Done" }
  }
}

const refused = (pendingStep: OrderState.PendingStep): OrderState.Outcome => {
  switch (pendingStep._tag) {
    case "Capture":
    case "VoidPayment":
    case "RecallShipment":
      return { _tag: "Refused", reason: "closed" }
    case "ShipStock":
      return { _tag: "Refused", reason: "NotReserved", skus: [tea] }
    case "StockReturn":
      return { _tag: "Refused", reason: "bound", parts: pendingStep.parts.slice(0, 1) }
    case "RefundReturn":
      return pendingStep.amount % 2 === 0
        ? { _tag: "Refused", reason: "exceeds_captured", refundable: Math.floor(pendingStep.amount / 2) }
        : { _tag: "Refused", reason: "exceeds_captured", refundable: pendingStep.amount }
    default:
      return answer(pendingStep, true)
  }
}

export const act = (state: OrderState.State, command: OrderState.Command, now: number) => {
  const decided = OrderState.decide(state, command, now)
  const events = Result.isSuccess(decided) ? decided.success : []
  return { state: events.reduce(OrderState.evolve, state), events, command }
}

/** One of the pending steps is answered. */
export const drive = (state: OrderState.State, luck: Luck, now: number, nth = 0) => {
  const all = pendingSteps(state)
  const pendingStep = all[nth % Math.max(1, all.length)]
  if (pendingStep === undefined) return { state, events: [], command: null }
  const record: OrderState.Command = {
    _tag: "Record",
    commandId: commandId(`${pendingStep.key}:done`),
    answers: pendingStep.key,
    outcome: answer(pendingStep, luck)
  }
  return act(state, record, now)
}

/** All that was asked is done, and the goods have arrived. */
export const delivered = (() => {
  let { state } = act(OrderState.initial, twoLines, 1)
  while (OrderState.next(state) !== null) state = drive(state, true, 2).state
  for (const command of [
    new NoteDispatched({ commandId: commandId("d") }),
    new NoteDelivered({ commandId: commandId("e") })
  ]) {
    state = act(state, command, 3).state
  }
  return state
})()
export const settle = (before: OrderState.State, luck: (pendingStep: OrderState.PendingStep) => Luck) => {
  let state = before
  for (let pendingStep = OrderState.next(state); pendingStep !== null; pendingStep = OrderState.next(state)) {
    state = drive(state, luck(pendingStep), 9).state
  }
  return state
}
export const operate = (fields: Pick<Operate, "act" | "step">) =>
  new Operate({ commandId: commandId("op"), note: "looked after", ...fields })
export const send = (state: OrderState.State, ...commands: ReadonlyArray<OrderState.Command>) =>
  commands.reduce((state, command) => act(state, command, 9).state, state)
export const toView = (state: OrderState.State) => view(OrderId.make("eu_1"), state, 1)!
export const back = (returnId: string, sku: SkuCode, quantity: number) => [
  new RequestReturn({
    commandId: commandId(returnId),
    returnId,
    lines: [{ sku, variant: "", quantity }],
    reason: "",
    disposition: "restock"
  }),
  new NoteReturnReceived({ commandId: commandId(`${returnId}r`), returnId })
]
