import {
  AddLine,
  ApplyCoupon,
  Cart,
  CartFull,
  type CartView,
  CheckOut,
  Merge,
  OpenCart,
  PutCharge,
  PutLine,
  PutLines,
  PricingMismatch,
  NotSold,
  type LineChange,
  type LineRefused,
  RemoveCoupon,
  RemoveLine,
  Reprice
} from "@halles/entities/cart/Cart"
import { Order, type OrderView, type Status } from "@halles/entities/order/Order"
import type { Available } from "@halles/entities/Reads"
import { CartId, type CustomerId, type OrderId, type SkuCode } from "@halles/shared/Ids"
import { fingerprint } from "@halles/shared/Intent"
import type { Currency } from "@halles/shared/Money"
import { hasAccount, ownedKey } from "@halles/shared/security/Ownership"
import { type Region, regionOf } from "@halles/shared/Region"
import { Cache, Effect, Exit, Schedule } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { mayAgreePrices, ownsCart, ownsCustomer } from "../access/Access.ts"
import { Api } from "../Api.ts"
import * as Availability from "./Availability.ts"
import type { Availability as AvailabilityJson, CartJson, CheckoutJson } from "./CartApi.ts"
import * as Edge from "../Edge.ts"
import { CurrencyMismatch, IdempotencyKeyReused, TotalChanged, Unavailable } from "../problems/EdgeErrors.ts"
import { money } from "./MoneyJson.ts"
import { orderJson } from "./OrderHttp.ts"
import { saleJson } from "./SaleJson.ts"
import * as Upstreams from "../admission/Upstreams.ts"

export const cartJson = (view: CartView): typeof CartJson.Encoded => ({
  id: view.id,
  status: view.status,
  currency: view.currency,
  pricing: view.pricing,
  customerId: view.customerId,
  ...saleJson(view),
  coupon: view.coupon,
  orderId: view.orderId,
  mergedInto: view.mergedInto,
  lastFailure: view.lastFailure,
  notices: view.notices,
  seq: view.seq
})
const answer = (view: CartView) => Edge.written(["Cart", view.id, view.seq], cartJson(view))

const availabilityOf = (wanted: number, { backOrder, units }: Available): typeof AvailabilityJson.Type => {
  if (units >= wanted) return "in_stock"
  if (backOrder) return "back_order"
  return units === 0 ? "out_of_stock" : "insufficient"
}
/** With what there is of each line. The entity tag tells both: the version that `If-Match` means, and the stock beside it. */
const stockedJson = (view: CartView, stock: ReadonlyMap<SkuCode, Available>) => {
  const cart = cartJson(view)
  const wanted = new Map<SkuCode, number>()
  for (const { quantity, sku } of view.lines) wanted.set(sku, (wanted.get(sku) ?? 0) + quantity)
  return {
    ...cart,
    lines: cart.lines.map((line, index) => {
      const { sku } = view.lines[index]!
      const available = stock.get(sku)
      return available === undefined
        ? line
        : { ...line, availability: availabilityOf(wanted.get(sku)!, available), available: available.units }
    })
  }
}

const checkoutJson = (view: OrderView): typeof CheckoutJson.Encoded => ({ orderId: view.id, ...orderJson(view) })

/** As the line would have been refused by itself. */
export const refusalOf = (sku: SkuCode, { reason }: LineRefused): CartFull | NotSold | PricingMismatch => {
  switch (reason._tag) {
    case "NotSold":
      return new NotSold({ skus: [sku] })
    case "PricingMismatch":
      return new PricingMismatch({ pricing: reason.pricing })
    case "CartFull":
      return new CartFull({ bound: reason.bound, max: reason.max })
  }
}

/** What an order is until the saga has decided. */
const undecided: ReadonlySet<Status> = new Set<Status>(["created", "payment", "reserving", "shipping", "cancelling"])

/** The cart of an account names its owner in its id. */
const newCartId = (region: Region, customerId: CustomerId | undefined) =>
  Effect.map(Edge.token("cart"), (random) => {
    const owned = customerId !== undefined && hasAccount(customerId)
    return CartId.make(`${region}_${owned ? ownedKey(random, customerId) : random}`)
  })

/** Currencies of carts never change; this many are remembered. */
const currenciesMax = 10_000

/** The order follows its cart's checkout in a moment: asked for again every 10 ms, up to the deadline of the call. */
const untilPlaced = Schedule.spaced("10 millis")

export const CartHttp = HttpApiBuilder.group(
  Api,
  "carts",
  Effect.fnUntraced(function* (handlers) {
    const cart = yield* Upstreams.entity(Cart)
    const order = yield* Upstreams.entity(Order)
    const availability = yield* Availability.make
    const currencies = yield* Cache.makeWith((id: CartId) => Effect.map(cart(id).View(), (view) => view.currency), {
      capacity: currenciesMax,
      timeToLive: (exit) => (Exit.isSuccess(exit) ? "1 hour" : 0)
    })
    const inCurrencyOf = (id: CartId, given: { readonly currency: Currency } | undefined) =>
      given === undefined
        ? Effect.void
        : Effect.flatMap(Edge.call(Cache.get(currencies, id)), (expected) =>
            expected === given.currency ? Effect.void : Effect.fail(new CurrencyMismatch({ expected }))
          )
    const ordered = (id: OrderId, waitMs: number) =>
      (waitMs === 0 ? order(id).View() : order(id).Settled({ timeoutMs: waitMs })).pipe(
        Effect.retry({ schedule: untilPlaced, while: (error) => error._tag === "NotFound" }),
        (asked) => Edge.call(asked, waitMs + Edge.deadlineMs),
        Effect.catchTag("NotFound", () => Effect.fail(new Unavailable()))
      )
    /** One line, by the command whose answer does not carry the cart; under the same key it is the same change. */
    const changeLine = (
      operation: "put" | "add" | "remove",
      id: CartId,
      headers: Parameters<typeof Edge.stamp>[1],
      line: LineChange
    ) =>
      Edge.send(operation, headers, (stamp) => cart(id).PutLines(new PutLines({ ...stamp, lines: [line] }))).pipe(
        Effect.map(({ seq }) => Edge.minimal(["Cart", id, seq])),
        Effect.catchTag("LinesNotTaken", ({ refused }) => Effect.fail(refusalOf(line.sku, refused[0]!)))
      )
    return handlers.handleAll({
      openCart: Effect.fnUntraced(function* ({ headers, payload }) {
        const { currency, customerId, pricing = "shop", region } = payload
        yield* ownsCustomer(customerId)
        yield* mayAgreePrices(pricing === "agreed")
        const id = yield* newCartId(region, customerId)
        const view = yield* Edge.send("open", headers, (stamp) =>
          cart(id).OpenCart(new OpenCart({ ...stamp, currency, pricing, ...Edge.given("customerId", customerId) }))
        )
        return Edge.written(["Cart", id, view.seq], cartJson(view), {
          status: 201,
          headers: { location: `/v1/carts/${id}` }
        })
      }),
      getCart: Effect.fnUntraced(function* ({ params, request }) {
        const view = yield* Edge.call(cart(params.id).View())
        const skus = new Set(view.status === "open" ? view.lines.map(({ sku }) => sku) : [])
        const stock = skus.size === 0 ? null : yield* availability(regionOf(params.id), skus)
        return stock === null
          ? Edge.fresh(request, view.seq, () => cartJson(view))
          : Edge.freshBeside(request, view.seq, stockedJson(view, stock))
      }),
      putLine: Effect.fnUntraced(function* ({ headers, params, payload }) {
        const { quantity, unitPrice, variant = "" } = payload
        yield* mayAgreePrices(unitPrice !== undefined)
        yield* inCurrencyOf(params.id, unitPrice)
        const line = { sku: params.sku, variant, quantity, ...Edge.given("agreedPrice", unitPrice?.amount) }
        if (Edge.isMinimal(headers.prefer)) return yield* changeLine("put", params.id, headers, line)
        return answer(
          yield* Edge.send("put", headers, (stamp) => cart(params.id).PutLine(new PutLine({ ...stamp, ...line })))
        )
      }),
      addLine: Effect.fnUntraced(function* ({ headers, params, payload }) {
        const { quantity, sku, variant = "" } = payload
        const line = { sku, variant, quantity }
        if (Edge.isMinimal(headers.prefer)) return yield* changeLine("add", params.id, headers, { ...line, more: true })
        return answer(
          yield* Edge.send("add", headers, (stamp) => cart(params.id).AddLine(new AddLine({ ...stamp, ...line })))
        )
      }),
      reprice: ({ headers, params }) =>
        Effect.map(
          Edge.send("reprice", headers, (stamp) => cart(params.id).Reprice(new Reprice(stamp))),
          answer
        ),
      putCoupon: ({ headers, params, payload }) =>
        Effect.map(
          Edge.send(
            "coupon",
            headers,
            (stamp) => cart(params.id).ApplyCoupon(new ApplyCoupon({ ...stamp, coupon: payload })),
            { actor: "edge:import" }
          ),
          answer
        ),
      removeCoupon: ({ headers, params }) =>
        Effect.map(
          Edge.send("no-coupon", headers, (stamp) => cart(params.id).RemoveCoupon(new RemoveCoupon(stamp))),
          answer
        ),
      removeLine: Effect.fnUntraced(function* ({ headers, params, query }) {
        const line = { sku: params.sku, variant: query.variant ?? "" }
        if (Edge.isMinimal(headers.prefer))
          return yield* changeLine("remove", params.id, headers, { ...line, quantity: 0 })
        return answer(
          yield* Edge.send("remove", headers, (stamp) =>
            cart(params.id).RemoveLine(new RemoveLine({ ...stamp, ...line }))
          )
        )
      }),
      putCharge: Effect.fnUntraced(function* ({ headers, params, payload }) {
        yield* inCurrencyOf(params.id, payload.amount)
        const charge = { code: params.code, kind: payload.kind, amount: payload.amount.amount }
        const put = (stamp: Edge.Stamp) => cart(params.id).PutCharge(new PutCharge({ ...stamp, charge }))
        return answer(yield* Edge.send("charge", headers, put, { actor: "edge:import" }))
      }),
      mergeCart: Effect.fnUntraced(function* ({ headers, params, payload }) {
        yield* ownsCart(payload.from)
        const merge = (stamp: Edge.Stamp) => cart(params.id).Merge(new Merge({ ...stamp, from: payload.from }))
        return answer(yield* Edge.send("merge", headers, merge))
      }),
      checkOut: Effect.fnUntraced(function* ({ headers, params, payload }) {
        const checkOut = (stamp: Edge.Stamp) =>
          cart(params.id).CheckOut(new CheckOut({ ...stamp, ...payload, fingerprint: fingerprint(payload) }))
        const { orderId } = yield* Edge.send("checkout", headers, checkOut).pipe(
          Effect.catchTags({
            CommandReused: () => Effect.fail(new IdempotencyKeyReused()),
            TotalChanged: ({ actual, expected }) =>
              Effect.fail(
                new TotalChanged({
                  expected: money(expected.amount, expected.currency),
                  actual: money(actual.amount, actual.currency)
                })
              )
          })
        )
        const view = yield* ordered(orderId, Edge.waitMsOf(headers.prefer))
        return Edge.written(["Order", view.id, view.seq], checkoutJson(view), {
          status: undecided.has(view.status) ? 202 : 201,
          headers: {
            location: `/v1/orders/${view.id}`,
            link: `</v1/carts/${params.id}>; rel="related"`,
            ...Edge.applied(headers.prefer)
          }
        })
      })
    })
  })
)
