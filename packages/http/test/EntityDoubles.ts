import { Cart, CartClosed, CartView, LinesNotTaken, NotSold } from "@halles/entities/cart/Cart"
import { Customer, CustomerView } from "@halles/entities/customer/Customer"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { NotOperable, Order, OrderView, TooLateToCancel } from "@halles/entities/order/Order"
import { Payment } from "@halles/entities/payment/Payment"
import { Product, ProductView } from "@halles/entities/catalogue/Product"
import { Shipment } from "@halles/entities/shipment/Shipment"
import { Sku, SkuView } from "@halles/entities/inventory/Sku"
import { CartId, CustomerId, OrderId, SkuCode, SkuId, WarehouseId } from "@halles/shared/Ids"
import { Effect, Layer, Stream } from "effect"
import { Entity } from "effect/cluster"

// Answers in the shape of the contracts, so that the edge is tested without entities; those have tests of their own.

const unused = (): Effect.Effect<never> => Effect.die("not part of this test")
const idOf = Effect.map(Entity.CurrentAddress, (address) => address.entityId)

/** Every command that reached an entity: `type id tag commandId`. */
export const received: Array<string> = []
const note = (type: string, id: string, command: { readonly _tag: string; readonly commandId: string }) => {
  received.push(`${type} ${id} ${command._tag} ${command.commandId}`)
}

const nothing = { goods: 0, charges: 0, tax: 0, total: 0 }

const CartDouble = Cart.toLayer(
  Effect.gen(function* () {
    const id = CartId.make(yield* idOf)
    let view: CartView | undefined
    const current = Effect.suspend(() =>
      view === undefined ? Effect.fail(new NotFound({ entity: "Cart", id })) : Effect.succeed(view)
    )
    const change = (
      command: { readonly _tag: string; readonly commandId: string; readonly expectedSeq?: number },
      next: Partial<CartView>
    ) =>
      Effect.flatMap(current, (open) => {
        note("Cart", id, command)
        const { expectedSeq = open.seq } = command
        if (expectedSeq !== open.seq) return Effect.fail(new PreconditionFailed({ seq: open.seq }))
        return Effect.succeed((view = new CartView({ ...open, ...next, seq: open.seq + 1 })))
      })
    return Cart.of({
      OpenCart: ({ payload }) =>
        Effect.sync(() => {
          note("Cart", id, payload)
          return (view ??= new CartView({
            id,
            status: "open",
            currency: payload.currency,
            pricing: payload.pricing,
            customerId: payload.customerId ?? null,
            lines: [],
            charges: [],
            coupon: null,
            totals: nothing,
            orderId: null,
            mergedInto: null,
            lastFailure: null,
            notices: [],
            seq: 1
          }))
        }),
      PutLine: ({ payload }) => {
        const { agreedPrice, quantity, sku, variant } = payload
        if (sku === "GONE") return Effect.fail(new NotSold({ skus: [sku] }))
        if (sku === "CLOSED") return Effect.fail(new CartClosed({ status: "checked_out" }))
        if (sku === "SLOW") return Effect.never
        const unitPrice = agreedPrice ?? 1995
        const goods = unitPrice * quantity
        return change(payload, {
          lines: [{ sku, variant, title: "Tea", quantity, unitPrice, taxRate: 2000 }],
          totals: { goods, charges: 0, tax: 0, total: goods }
        })
      },
      AddLine: unused,
      RemoveLine: ({ payload }) => change(payload, { lines: [], totals: nothing }),
      PutLines: ({ payload }) => {
        const refused = payload.lines.flatMap(({ sku }, index) =>
          sku === "GONE" ? [{ index, reason: { _tag: "NotSold" as const } }] : []
        )
        if (refused.length === payload.lines.length) return Effect.fail(new LinesNotTaken({ refused }))
        return Effect.map(change(payload, {}), ({ seq }) => ({ seq, refused }))
      },
      PutCharge: ({ payload }) => change(payload, { charges: [payload.charge] }),
      ApplyCoupon: unused,
      RemoveCoupon: unused,
      Reprice: unused,
      Merge: ({ payload }) => Effect.delay(change(payload, {}), payload.from === "eu_slow" ? "200 millis" : 0),
      HandOver: unused,
      CheckOut: ({ payload }) =>
        Effect.map(change(payload, { status: "checked_out", orderId: OrderId.make(id) }), (cart) => ({
          orderId: OrderId.make(id),
          cart
        })),
      Reopen: unused,
      TimerFired: unused,
      View: () => current
    })
  })
)

const steps = [
  { seq: 1, step: "created", at: 1_700_000_000_000, detail: null },
  { seq: 2, step: "confirmed", at: 1_700_000_000_100, detail: null }
]

const OrderDouble = Order.toLayer(
  Effect.gen(function* () {
    const id = OrderId.make(yield* idOf)
    const view = new OrderView({
      id,
      cartId: CartId.make(id),
      status: "created",
      customerId: null,
      currency: "GBP",
      lines: [{ sku: SkuCode.make("TEA"), variant: "", title: "Tea", quantity: 2, unitPrice: 1995, taxRate: 2000 }],
      charges: [{ code: "summer", kind: "discount", amount: -100 }],
      discount: 0,
      totals: { goods: 3990, charges: -100, tax: 778, total: 4668 },
      payment: { authorised: 4668, captured: 0, refunded: 0, disputed: 0 },
      disputes: [],
      awaiting: [],
      trackingNumbers: [],
      returns: [],
      cancelled: null,
      steps,
      refused: [],
      seq: 2
    })
    const current = id.endsWith("none") ? Effect.fail(new NotFound({ entity: "Order", id })) : Effect.succeed(view)
    return Order.of({
      Place: unused,
      Cancel: () => Effect.fail(new TooLateToCancel({ status: "shipped" })),
      RequestReturn: ({ payload }) => {
        note("Order", id, payload)
        const { disposition, lines, returnId } = payload
        return Effect.map(
          current,
          () =>
            new OrderView({
              ...view,
              returns: [
                {
                  returnId,
                  disposition,
                  lines: lines.map((line) => ({ ...line, refund: 2_334 })),
                  status: "requested",
                  outbound: 0,
                  amount: 2_334,
                  refunded: 0
                }
              ]
            })
        )
      },
      NoteDispatched: unused,
      NoteDelivered: unused,
      NoteReturnReceived: unused,
      NoteDispute: unused,
      Operate: ({ payload }) => {
        note("Order", id, payload)
        return id.endsWith("over")
          ? Effect.fail(new NotOperable({ status: "delivered", pendingStep: null, refused: [] }))
          : current
      },
      TimerFired: unused,
      NeedsStock: unused,
      View: () => current,
      IsOver: () => Effect.map(current, () => true),
      Settled: () => Effect.map(current, (order) => new OrderView({ ...order, status: "confirmed" })),
      Watch: ({ payload }) => {
        const rest = steps.filter((step) => step.seq > payload.afterSeq)
        const shown = rest.map((step) => ({ step, status: "confirmed" as const }))
        // As when the shard is given up in the middle.
        if (id.endsWith("asked-twice"))
          return Stream.concat(Stream.fromIterable(shown.slice(0, 1)), Stream.fromIterable(shown))
        return id.endsWith("handover") && rest.length > 1
          ? Stream.concat(Stream.fromIterable(shown.slice(0, 1)), Stream.fromEffect(Effect.interrupt))
          : Stream.fromIterable(shown)
      }
    })
  })
)

const CustomerDouble = Customer.toLayer(
  Effect.gen(function* () {
    const id = CustomerId.make(yield* idOf)
    const fresh = {
      id,
      name: null,
      addresses: [],
      preferences: {},
      consents: [],
      orders: { count: 0, recent: [] },
      points: 0,
      seq: 1
    }
    // As the identity process registers it.
    let view = id.endsWith("registered")
      ? new CustomerView({ ...fresh, guest: false, email: "ada@example.com", emailVerified: true })
      : undefined
    const change = (command: { readonly _tag: string; readonly commandId: string }, next: Partial<CustomerView>) =>
      Effect.suspend(() => {
        note("Customer", id, command)
        if (view === undefined) return Effect.fail(new NotFound({ entity: "Customer", id }))
        return Effect.succeed((view = new CustomerView({ ...view, ...next, seq: view.seq + 1 })))
      })
    return Customer.of({
      Register: ({ payload: { email, name } }) =>
        Effect.sync(
          () =>
            (view ??= new CustomerView({
              ...fresh,
              guest: email === undefined,
              email: email ?? null,
              emailVerified: false,
              name: name ?? null
            }))
        ),
      ChangeCustomer: ({ payload }) =>
        change(payload, {
          ...(payload.name === undefined ? {} : { name: payload.name }),
          ...(payload.email === undefined
            ? {}
            : { email: payload.email, emailVerified: payload.emailVerified === true }),
          ...(payload.addresses === undefined
            ? {}
            : {
                addresses: payload.addresses.flatMap(({ address, label }) =>
                  address === null ? [] : [{ label, address }]
                )
              }),
          ...(payload.consents === undefined ? {} : { consents: payload.consents.map((one) => ({ ...one, at: 1 })) })
        }),
      Forget: unused,
      NoteOrder: unused,
      MovePoints: unused,
      TimerFired: unused,
      View: () =>
        Effect.suspend(() =>
          view === undefined ? Effect.fail(new NotFound({ entity: "Customer", id })) : Effect.succeed(view)
        )
    })
  })
)

const SkuDouble = Sku.toLayer(
  Effect.gen(function* () {
    const id = SkuId.make(yield* idOf)
    const level = { onHand: 5, held: 1, reserved: 1, available: 3 }
    const view = new SkuView({
      id,
      warehouses: [{ warehouse: WarehouseId.make("eu-main"), ...level }],
      totals: { ...level, shipped: 0, backOrdered: 0 },
      backOrderAllowed: false,
      seq: 3
    })
    const taken = (command: { readonly _tag: string; readonly commandId: string }) =>
      Effect.sync(() => {
        note("Sku", id, command)
        return view
      })
    return Sku.of({
      Receive: ({ payload }) => taken(payload),
      Adjust: ({ payload }) => taken(payload),
      Hold: unused,
      HeldFor: unused,
      Release: unused,
      Ship: unused,
      Restock: unused,
      WriteOff: unused,
      AllowBackOrder: unused,
      TimerFired: unused,
      View: () => Effect.succeed(view)
    })
  })
)

const ProductDouble = Product.toLayer(
  Effect.gen(function* () {
    const id = yield* idOf
    let view: ProductView | undefined
    return Product.of({
      ListProduct: ({ payload: { description, price, sku, title, ...command } }) =>
        Effect.delay(
          Effect.sync(() => {
            note("Product", id, { ...command, _tag: `ListProduct(${title})` })
            return (view = new ProductView({
              sku,
              region: "eu",
              title,
              description: description ?? "",
              price,
              listed: true,
              status: "active",
              seq: (view?.seq ?? 0) + 1
            }))
          }),
          title === "Slow" ? "20 millis" : 0
        ),
      Unlist: unused,
      DescribeProduct: unused,
      TranslateProduct: unused,
      NameProduct: unused,
      ScheduleChange: unused,
      WithdrawChange: unused,
      ApplyRelease: unused,
      Edited: unused,
      History: unused,
      TimerFired: unused,
      View: () =>
        Effect.suspend(() =>
          view === undefined ? Effect.fail(new NotFound({ entity: "Product", id })) : Effect.succeed(view)
        )
    })
  })
)

const PaymentDouble = Payment.toLayer(
  Effect.gen(function* () {
    const id = yield* idOf
    return Payment.of({
      Authorise: unused,
      Capture: unused,
      Void: unused,
      Refund: unused,
      GatewayNotice: ({ payload }) =>
        id.endsWith("none")
          ? Effect.fail(new NotFound({ entity: "Payment", id }))
          : Effect.sync(() => note("Payment", id, payload)),
      TimerFired: unused,
      View: unused
    })
  })
)

const ShipmentDouble = Shipment.toLayer(
  Effect.gen(function* () {
    const id = yield* idOf
    return Shipment.of({
      Create: unused,
      CancelShipment: unused,
      Collect: unused,
      CarrierNotice: ({ payload }) => Effect.sync(() => note("Shipment", id, payload)),
      TimerFired: unused,
      View: unused
    })
  })
)

/** Files of one worker share this module: each begins with nothing received. */
const forgotten = Layer.effectDiscard(Effect.sync(() => void received.splice(0)))

export const layer = Layer.mergeAll(
  forgotten,
  CartDouble,
  OrderDouble,
  CustomerDouble,
  SkuDouble,
  ProductDouble,
  PaymentDouble,
  ShipmentDouble
)
