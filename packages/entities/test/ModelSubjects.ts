import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId, CustomerId, OrderId, SkuCode, SkuId, WarehouseId } from "@halles/shared/Ids"
import { Effect, Layer } from "effect"
import { type Booking, Carrier, CarrierUnavailable } from "../src/shipment/Carrier.ts"
import { ChangeCustomer, Customer, Forget, MovePoints, NoteOrder, Register } from "../src/customer/Customer.ts"
import * as CustomerState from "../src/customer/CustomerState.ts"
import { Authorise, Capture, GatewayNotice, Payment, Refund, Void } from "../src/payment/Payment.ts"
import * as PaymentState from "../src/payment/PaymentState.ts"
import {
  type Authorisation,
  type GatewayOutcome,
  GatewayUnavailable,
  PaymentGateway
} from "../src/payment/PaymentGateway.ts"
import { ListProduct, Product, Unlist } from "../src/catalogue/Product.ts"
import * as ProductState from "../src/catalogue/ProductState.ts"
import { CancelShipment, CarrierNotice, Collect, Create, Shipment } from "../src/shipment/Shipment.ts"
import * as ShipmentState from "../src/shipment/ShipmentState.ts"
import { Adjust, AllowBackOrder, Hold, Receive, Release, Restock, Ship, Sku, WriteOff } from "../src/inventory/Sku.ts"
import { asked } from "../src/inventory/SkuExpiry.ts"
import * as SkuState from "../src/inventory/SkuState.ts"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { answersOf, type Now, type Subject } from "./ModelPair.ts"

const order = (key: string) => OrderId.make(`eu_${key}`)
const address = (postalCode = "YO1") => ({ name: "A", line1: "1 Street", city: "York", postalCode, country: "GB" })

/** The outside companies. What they say follows from what they are asked, so the tests can say it too. */
const gatewayRefuses = (reference: string) => reference.endsWith("3")
const declines = (token: string) => token === "tok_declined"
const bookingOf = (orderId: string, postalCode: string): Booking =>
  postalCode === "NO-SERVICE"
    ? { _tag: "Refused", reason: "no_service" }
    : { _tag: "Booked", shipmentId: `s-${orderId}`, trackingNumbers: [`T-${orderId}`] }
const isGone = (id: string) => /[13579]$/.test(id)
const labelOf = (returnId: string) =>
  returnId === "r3"
    ? ({ _tag: "Refused", reason: "no_service" } as const)
    : ({ _tag: "Labelled", label: `L-${returnId}` } as const)

export const Companies = Layer.suspend(() => {
  const requested = new Set<string>()
  /** Each of them is down when it is asked for the first time, for every second reference. */
  const isDown = (reference: string) => {
    if (requested.has(reference)) return false
    requested.add(reference)
    return reference.length % 2 === 0
  }
  const operate = ({ reference }: { readonly reference: string }) =>
    Effect.suspend((): Effect.Effect<GatewayOutcome, GatewayUnavailable> => {
      if (isDown(reference)) return Effect.fail(new GatewayUnavailable({ cause: "down" }))
      return Effect.succeed(gatewayRefuses(reference) ? { _tag: "Refused", reason: "no" } : { _tag: "Done" })
    })
  const gateway = PaymentGateway.of({
    authorise: ({ orderId, reference, token }) =>
      Effect.suspend((): Effect.Effect<Authorisation, GatewayUnavailable> => {
        if (isDown(reference)) return Effect.fail(new GatewayUnavailable({ cause: "down" }))
        return Effect.succeed(
          declines(token)
            ? { _tag: "Declined", reason: "declined" }
            : { _tag: "Authorised", authorisationId: `auth-${orderId}` }
        )
      }),
    capture: operate,
    void: operate,
    refund: operate
  })
  const carrier = Carrier.of({
    ship: (request) =>
      Effect.suspend((): Effect.Effect<Booking, CarrierUnavailable> =>
        isDown(request.reference)
          ? Effect.fail(new CarrierUnavailable({ cause: "down" }))
          : Effect.succeed(bookingOf(request.orderId, request.address.postalCode ?? ""))
      ),
    cancel: ({ shipmentId }) => Effect.sync(() => ({ _tag: isGone(shipmentId) ? "AlreadyDispatched" : "Cancelled" })),
    returnLabel: ({ returnId }) => Effect.sync(() => labelOf(returnId))
  })
  return Layer.mergeAll(Layer.succeed(PaymentGateway, gateway), Layer.succeed(Carrier, carrier))
})

export const product = Effect.fnUntraced(function* (n: number) {
  const id = SkuId.make(`eu_P${n}`)
  const client = (yield* EntityClient.make(Product))(id)
  const subject: Subject<ProductState.State, ProductState.Command, ProductState.Event, never> = {
    model: ProductState,
    id,
    commandOf: ({ key, kind, place, units }, commandId) => {
      if (kind % 5 < 3) {
        const price = { amount: 100 * (place + 1), currency: "GBP" as const, taxRate: units > 5 ? 2_000 : 0 }
        return new ListProduct({ commandId, sku: SkuCode.make(`P${n}`), title: `T${key}`, description: "", price })
      }
      return new Unlist({ commandId })
    },
    send: (command) => client[command._tag](command as never),
    view: client.View(),
    viewOf: ({ seq, state }) => ProductState.view(id, state, seq),
    answerOf: answersOf(id, ProductState.replies)
  }
  return subject
})

export const customer = Effect.fnUntraced(function* (n: number) {
  const id = CustomerId.make(`eu_C${n}`)
  const client = (yield* EntityClient.make(Customer))(id)
  const viewOf = ({ seq, state }: Now<CustomerState.State>) => CustomerState.view(id, state, seq)
  const subject: Subject<CustomerState.State, CustomerState.Command, CustomerState.Event, never> = {
    model: CustomerState,
    id,
    commandOf: ({ key, kind, place, units, yes }, commandId, state) => {
      if (state._tag === "None" && units > 3) return new Register({ commandId, ...(yes ? { name: "Ada" } : {}) })
      switch (kind % 9) {
        case 0:
          return new Register({ commandId, email: "ada@example.org" })
        case 1:
          return new ChangeCustomer({ commandId, name: `N${key}`, ...(yes ? { preferences: { language: "en" } } : {}) })
        case 2:
          return new ChangeCustomer({
            commandId,
            addresses: [{ label: `home${key}`, address: address(`YO${place}`) }],
            ...(yes ? { name: `M${key}` } : {})
          })
        case 3:
          return new ChangeCustomer({ commandId, addresses: [{ label: `home${key}`, address: null }] })
        case 4:
          return new ChangeCustomer({
            commandId,
            consents: [{ purpose: yes ? "analytics" : "marketing_sms", granted: units > 4 }]
          })
        case 5:
          return new NoteOrder({ commandId, orderId: order(`o${key}`) })
        case 6:
        case 7:
          return new Forget({ commandId })
        default:
          return new MovePoints({ commandId, points: units * 10 - 45, reference: `r${key}` })
      }
    },
    send: (command) => client[command._tag](command as never),
    view: client.View(),
    viewOf,
    answerOf: answersOf(id, CustomerState.replies)
  }
  return subject
})

export const sku = Effect.fnUntraced(function* (n: number, over: { readonly lasts?: boolean } = {}) {
  const id = SkuId.make(`eu_S${n}`)
  const client = (yield* EntityClient.make(Sku))(id)
  const viewOf = ({ seq, state }: Now<SkuState.State>) => SkuState.view(id, state, seq)
  const subject: Subject<SkuState.State, SkuState.Command, SkuState.Event, SkuState.PendingStep> = {
    model: SkuState,
    id,
    commandOf: ({ earlier, key, kind, place, units, yes }, commandId, state) => {
      const warehouse = WarehouseId.make(`w${place}`)
      const orderId = order(`s${n}o${over.lasts === true ? earlier : key}`)
      const now = state.warehouses.find((one) => one.warehouse === warehouse)?.onHand ?? 0
      switch (kind % 13) {
        case 0:
          return new Receive({ commandId, warehouse, quantity: units * (over.lasts === true ? 10 : 1) })
        case 1:
          return new Adjust({ commandId, warehouse, expectedOnHand: yes ? now : units, onHand: units, reason: "count" })
        case 2:
          return new Release({ commandId, orderId })
        case 3:
          return new Restock({ commandId, orderId, warehouse, quantity: units })
        case 4:
          return new WriteOff({ commandId, orderId, warehouse, quantity: units })
        case 5:
          return new AllowBackOrder({ commandId, allowed: yes })
        case 6:
        case 7:
        case 8:
          return new Ship({ commandId, orderId })
        case 9:
          return new TimerFired({ commandId })
        default:
          return new Hold({ commandId, orderId, quantity: units, ttlMs: yes ? 1 : 3_600_000 })
      }
    },
    /** A hold of 1 ms is over when a timer fires. */
    prepare: () => Effect.sleep("3 millis"),
    send: (command) => client[command._tag as "TimerFired"](command as never),
    view: client.View(),
    viewOf: (now) => (now.seq === 0 ? null : viewOf(now)),
    answerOf: answersOf(id, SkuState.replies),
    /** There are no such orders. */
    reply: ({ key }, state) => ({
      _tag: "RecordNeeds",
      commandId: CommandId.make(`${key}:done`),
      needed: [],
      over: asked(state),
      unanswered: []
    })
  }
  return subject
})

export const payment = Effect.fnUntraced(function* (n: number) {
  const id = order(`pay${n}`)
  const client = (yield* EntityClient.make(Payment))(id)
  const token = n === 3 ? "tok_declined" : "tok_ok"
  const types = ["authorised", "declined", "captured", "voided", "refunded", "charged_back", "dispute_won"] as const
  const subject: Subject<PaymentState.State, PaymentState.Command, PaymentState.Event, PaymentState.PendingStep> = {
    model: PaymentState,
    id,
    commandOf: ({ earlier, key, kind, units, yes }, commandId, state) => {
      if (state.request === null && units > 4) {
        return new Authorise({ commandId, orderId: id, amount: units * 6, currency: "GBP", token })
      }
      const reference = `${["capture", "refund", "void"][kind % 3]}-${key}`
      switch (kind % 10) {
        case 0:
          return new Authorise({ commandId, orderId: id, amount: yes ? units * 6 : 0, currency: "GBP", token })
        case 1:
          return units > 6 ? new Void({ commandId, reference }) : new TimerFired({ commandId })
        case 2:
        case 3: {
          const type = `payment.${types[earlier % types.length]!}` as const
          const about = earlier % 6 < 2 ? `${id}:authorise` : reference
          const fields = { commandId, eventId: `e${key}`, type, reference: about, authorisationId: `auth-${id}` }
          return new GatewayNotice({ ...fields, amount: units })
        }
        case 4:
        case 5:
        case 6:
          return new Capture({ commandId, reference, amount: units })
        default:
          return new Refund({ commandId, reference, amount: units })
      }
    },
    send: (command) => client[command._tag as "TimerFired"](command as never),
    view: client.View(),
    viewOf: ({ seq, state }) => PaymentState.view(state, seq),
    answerOf: answersOf(id, PaymentState.replies),
    reply: (pendingStep) => {
      if (pendingStep._tag === "TellOrder") {
        return { _tag: "NoteTold", commandId: CommandId.make(`${pendingStep.key}:outcome`), key: pendingStep.key }
      }
      const answer: PaymentState.Answer =
        pendingStep._tag === "Authorise"
          ? declines(pendingStep.token)
            ? { _tag: "Refused", reason: "declined" }
            : { _tag: "Done", authorisationId: `auth-${id}` }
          : gatewayRefuses(pendingStep.key)
            ? { _tag: "Refused", reason: "no" }
            : { _tag: "Done", authorisationId: pendingStep.authorisationId }
      return {
        _tag: "RecordOutcome",
        commandId: CommandId.make(`${pendingStep.key}:outcome`),
        reference: pendingStep.key,
        answer
      }
    }
  }
  return subject
})

export const shipment = Effect.fnUntraced(function* (n: number) {
  const id = order(`ship${n}`)
  const client = (yield* EntityClient.make(Shipment))(id)
  const postalCode = n === 2 ? "NO-SERVICE" : "YO1"
  const lines = [{ sku: SkuCode.make("TEA"), quantity: 2 }]
  const types = ["shipment.dispatched", "shipment.delivered", "return.received"] as const
  const subject: Subject<ShipmentState.State, ShipmentState.Command, ShipmentState.Event, ShipmentState.PendingStep> = {
    model: ShipmentState,
    id,
    commandOf: ({ key, kind, place, units, yes }, commandId, state) => {
      const parcels = [{ warehouse: WarehouseId.make("w0"), lines }]
      const create = new Create({ commandId, orderId: id, parcels, address: address(postalCode) })
      if (state.request === null && units > 3) return create
      switch (kind % 8) {
        case 0:
          return create
        case 1:
          return yes ? new CancelShipment({ commandId }) : new TimerFired({ commandId })
        case 2:
        case 3:
          return new Collect({ commandId, returnId: `r${key}`, lines })
        default: {
          const type = types[place]!
          const about = type === "return.received" ? { returnId: `r${key}` } : {}
          return new CarrierNotice({ commandId, eventId: `e${units}`, type, ...about })
        }
      }
    },
    send: (command) => client[command._tag as "TimerFired"](command as never),
    view: client.View(),
    viewOf: ({ seq, state }) => ShipmentState.view(state, seq),
    answerOf: answersOf(id, ShipmentState.replies),
    reply: (pendingStep) => {
      const commandId = CommandId.make(`${pendingStep.key}:outcome`)
      switch (pendingStep._tag) {
        case "Book":
          return { _tag: "RecordBooking", commandId, answer: bookingOf(id, postalCode) }
        case "Cancel":
          return { _tag: "RecordCancel", commandId, answer: { _tag: isGone(id) ? "AlreadyDispatched" : "Cancelled" } }
        case "Label":
          return {
            _tag: "RecordLabel",
            commandId,
            returnId: pendingStep.returnId,
            answer: labelOf(pendingStep.returnId)
          }
        case "TellOrder":
          return { _tag: "NoteTold", commandId, key: pendingStep.key }
      }
    }
  }
  return subject
})

export const outcomes = { bookingOf, isGone, labelOf, declines, address, order }
