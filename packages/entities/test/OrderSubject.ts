import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CartId, CommandId, CustomerId, SkuCode, skuId, WarehouseId } from "@halles/shared/Ids"
import { Effect } from "effect"
import { Cart, CheckOut, OpenCart, PutLine } from "../src/cart/Cart.ts"
import {
  Cancel,
  NoteDelivered,
  NoteDispatched,
  NoteReturnReceived,
  Order,
  Place,
  RequestReturn
} from "../src/order/Order.ts"
import { view } from "../src/order/OrderAnswers.ts"
import * as OrderState from "../src/order/OrderState.ts"
import { CarrierNotice, Shipment } from "../src/shipment/Shipment.ts"
import { Receive, Sku } from "../src/inventory/Sku.ts"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { answersOf, type Now, type Subject } from "./ModelPair.ts"
import { outcomes } from "./ModelSubjects.ts"

const main = WarehouseId.make("eu-main")

/**
 * An order among all the other entities: its cart places it, and the carrier's notices reach it through its shipment.
 * 3 is declined, 4 finds no stock, 5 no carrier, and those of 1 cannot be recalled.
 */
export const orderSubject = Effect.fnUntraced(function* (n: number) {
  const id = outcomes.order(`o${n}`)
  const client = (yield* EntityClient.make(Order))(id)
  const cart = (yield* EntityClient.make(Cart))(CartId.make(id))
  const shipment = (yield* EntityClient.make(Shipment))(id)
  const skus = yield* EntityClient.make(Sku)
  const [there, missing] = [SkuCode.make(`O${n}A`), SkuCode.make(`O${n}B`)] as const
  const commandId = (key: string) => CommandId.make(`${id}:${key}`)
  yield* skus(skuId("eu", there))
    .Receive(new Receive({ commandId: commandId("in"), warehouse: main, quantity: 1_000 }))
    .pipe(Effect.orDie)

  const quantities =
    n === 4
      ? ([
          [there, 3],
          [missing, 1]
        ] as const)
      : ([[there, 3]] as const)
  const lines = quantities.map(([sku, quantity]) => ({
    sku,
    variant: "",
    title: `${sku}`,
    quantity,
    unitPrice: 250,
    taxRate: 0
  }))
  const goods = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0)
  const buyer = {
    email: "ada@example.org",
    shippingAddress: outcomes.address(n === 5 ? "NO-SERVICE" : "YO1"),
    paymentToken: n === 3 ? "tok_declined" : "tok_ok"
  }
  const customerId = n % 2 === 0 ? CustomerId.make(`eu_c${n}`) : null
  const place = new Place({
    commandId: commandId("place"),
    cartId: CartId.make(id),
    attempt: 1,
    customerId,
    currency: "GBP",
    lines,
    charges: [],
    discount: 0,
    totals: { goods, charges: 0, tax: 0, total: goods },
    ...buyer
  })
  const checkOut = Effect.gen(function* () {
    const who = customerId === null ? {} : { customerId }
    yield* cart.OpenCart(new OpenCart({ commandId: commandId("open"), currency: "GBP", pricing: "agreed", ...who }))
    for (const { quantity, sku, unitPrice } of lines) {
      const line = { commandId: commandId(sku), sku, variant: "", quantity, agreedPrice: unitPrice }
      yield* cart.PutLine(new PutLine(line))
    }
    yield* cart.CheckOut(new CheckOut({ commandId: commandId("checkout"), fingerprint: "1", ...buyer }))
  })
  /** The shipment, of another part of the system, may have been told before: the carrier sends a notice until it is heard. */
  const notice = (type: CarrierNotice["type"], returnId?: string) => {
    const eventId = `${type}:${returnId}`
    const about = returnId === undefined ? {} : { returnId }
    return shipment.CarrierNotice(new CarrierNotice({ commandId: commandId(eventId), eventId, type, ...about }))
  }
  const throughOthers = (command: OrderState.Command): Effect.Effect<unknown, { readonly _tag: string }> => {
    switch (command._tag) {
      case "Place":
        return checkOut
      case "NoteDispatched":
        return notice("shipment.dispatched")
      case "NoteDelivered":
        return notice("shipment.delivered")
      case "NoteReturnReceived":
        return notice("return.received", command.returnId)
      default:
        return client[command._tag as "TimerFired"](command as never)
    }
  }
  const viewOf = ({ seq, state }: Now<OrderState.State>) => view(id, state, seq)

  const subject: Subject<OrderState.State, OrderState.Command, OrderState.Event, OrderState.PendingStep> = {
    model: OrderState,
    id,
    commandOf: ({ key, kind, units, yes }, given, state) => {
      if (state.draft === null && units > 4) return place
      switch (kind % 12) {
        case 0:
          return place
        case 1:
          return new Cancel({ commandId: given, reason: "changed my mind" })
        case 2:
        case 3:
        case 4:
          return new NoteDispatched({ commandId: commandId("shipment:dispatched") })
        case 5:
        case 6:
          return new NoteDelivered({ commandId: commandId("shipment:delivered") })
        case 7:
        case 8: {
          const returnId = `r${key}`
          return new NoteReturnReceived({ commandId: commandId(`shipment:return_received:${returnId}`), returnId })
        }
        case 9:
          return new TimerFired({ commandId: given })
        default: {
          const back = [{ sku: there, variant: "", quantity: units > 6 ? 2 : 1 }]
          const disposition = yes ? "restock" : "write_off"
          return new RequestReturn({ commandId: given, returnId: `r${key}`, lines: back, reason: "", disposition })
        }
      }
    },
    send: (command, writes) =>
      writes ? throughOthers(command) : client[command._tag as "TimerFired"](command as never),
    view: client.View(),
    viewOf,
    answerOf: answersOf(id, OrderState.replies),
    reply: ({ key, ...pendingStep }): OrderState.Command => {
      const record = (outcome: OrderState.Outcome): OrderState.Command => ({
        _tag: "Record",
        commandId: CommandId.make(`${key}:done`),
        answers: key,
        outcome
      })
      switch (pendingStep._tag) {
        case "HoldStock":
          return record(
            n === 4
              ? { _tag: "NoStock", missing: [{ sku: missing, wanted: 1, available: 0 }] }
              : { _tag: "Held", stock: [{ sku: there, allocations: [{ warehouse: main, quantity: 3 }] }] }
          )
        case "Authorise":
          return record(n === 3 ? { _tag: "Refused", reason: "declined" } : { _tag: "Done" })
        case "BookShipment": {
          const booking = outcomes.bookingOf(id, buyer.shippingAddress.postalCode)
          return record(
            booking._tag === "Booked" ? { _tag: "Booked", trackingNumbers: booking.trackingNumbers } : booking
          )
        }
        case "RecallShipment":
          return record(outcomes.isGone(id) ? { _tag: "Refused", reason: "AlreadyDispatched" } : { _tag: "Done" })
        case "CollectReturn":
          return record(outcomes.labelOf("return" in pendingStep ? pendingStep.return.returnId : ""))
        default:
          return record({ _tag: "Done" })
      }
    }
  }
  return subject
})
