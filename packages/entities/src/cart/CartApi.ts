import { CartId, SkuCode } from "@halles/shared/Ids"
import { Currency } from "@halles/shared/Money"
import { Region } from "@halles/shared/Region"
import { hasAccount, ownedKey } from "@halles/shared/security/Ownership"
import { changes, everybody, looks, ofCart, type Rule, seller, shopper } from "@halles/shared/wire/AccessRule"
import { Forbidden, Unauthorized } from "@halles/shared/wire/EdgeErrors"
import { Price, StatedMoney } from "@halles/shared/wire/MoneyJson"
import { repeated } from "@halles/shared/wire/Operation"
import { Refusal } from "@halles/shared/wire/Refusal"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { given } from "@halles/shared/wire/Stamp"
import { Cache, Effect, Exit, Schema } from "effect"
import { StockLevel } from "../inventory/Sku.ts"
import { Edge } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { ChargeJson, gbp, lineFields, lineTotal, sale, saleId, TotalsJson } from "../sale/SaleJson.ts"
import {
  Cart,
  CartFull,
  CartView,
  type LineChange,
  type LineRefused,
  type LinesNotTaken,
  Merge,
  NotSold,
  OpenCart,
  Pricing,
  PricingMismatch,
  PutLine
} from "./Cart.ts"
import { type SaleLine, Charge, Coupon } from "../sale/Sale.ts"
import { checkOut } from "./CartCheckOut.ts"
import * as CartStock from "./CartStock.ts"

/** An amount in another currency than the cart's. */
export class CurrencyMismatch extends Refusal<CurrencyMismatch>()("CurrencyMismatch", {
  status: 422,
  title: "Another currency",
  fields: { expected: Currency },
  sample: { expected: "GBP" },
  detail: ({ expected }) => `The cart's currency is ${expected}.`
}) {}

/** With `availability` and the units that it goes by where an open cart is read, if the stock is known at that moment. */
const CartLineJson = ViewJson.object<SaleLine & { readonly availability?: unknown; readonly available?: unknown }>()(
  "CartLine",
  {
    ...lineFields,
    availability: Schema.optionalKey(CartStock.LineAvailability),
    available: Schema.optionalKey(StockLevel.fields.available)
  },
  { from: { total: lineTotal } }
)

export const cartSample = {
  id: saleId,
  status: "open",
  currency: "GBP",
  pricing: "shop",
  customerId: null,
  lines: sale.lines,
  charges: sale.charges,
  coupon: null,
  totals: sale.totals,
  orderId: null,
  mergedInto: null,
  lastFailure: null,
  notices: [],
  seq: 2
}
export const CartJson = ViewJson.object<CartView>()(
  "Cart",
  {
    ...CartView.fields,
    lines: Schema.Array(CartLineJson),
    charges: Schema.Array(ChargeJson),
    totals: TotalsJson
  },
  { sample: cartSample }
)

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

interface CartRequest {
  readonly params: { readonly id: CartId }
}

/** Currencies of carts never change; this many are remembered. */
const currenciesMax = 10_000

/** Whether an amount that the request states, if it does, is in the cart's currency. */
const inCurrency = <Payload>(stated: (payload: Payload) => { readonly currency: Currency } | undefined) =>
  Effect.gen(function* () {
    const edge = yield* Edge
    const cart = yield* edge.entity(Cart)
    const currencies = yield* Cache.makeWith((id: CartId) => Effect.map(cart(id).View(), (view) => view.currency), {
      capacity: currenciesMax,
      timeToLive: (exit) => (Exit.isSuccess(exit) ? "1 hour" : 0)
    })
    return ({ params, payload }: CartRequest & { readonly payload: Payload }): Effect.Effect<void, unknown> => {
      const amount = stated(payload)
      if (amount === undefined) return Effect.void
      return Effect.flatMap(edge.call(Cache.get(currencies, params.id)), (expected) =>
        expected === amount.currency ? Effect.void : Effect.fail(new CurrencyMismatch({ expected }))
      )
    }
  })

/** One line, by the command whose answer does not carry the cart; under the same key it is the same change. */
const byItself = <Request>(lineOf: (request: Request) => LineChange) => ({
  message: "PutLines" as const,
  fields: (request: Request) => ({ lines: [lineOf(request)] }),
  refusal: (error: LinesNotTaken | { readonly _tag: "" }, request: Request) =>
    error._tag === "LinesNotTaken" ? refusalOf(lineOf(request).sku, error.refused[0]!) : error
})

export const changeOfCart: Rule = { ...ofCart, ...changes, scopes: ["carts:write"], roles: shopper }
/** What a merchandiser gives away on somebody's cart. */
const givesAway = { thing: { cart: "id" }, region: "id", ...changes, scopes: ["carts:write"], roles: seller } as const
const aChange = { priority: "cart", cost: 2 } as const
const quantity = PutLine.fields.quantity
const variant = Schema.optionalKey(PutLine.fields.variant)
const lineParams = { id: CartId, sku: SkuCode }
const toCart = {
  contract: Cart,
  json: CartJson,
  params: { id: CartId }
}
const toLine = { ...toCart, params: lineParams }

type Stated = typeof statedLine.Type
const statedLine = Schema.Struct({
  quantity,
  variant,
  /** Only with agreed pricing, and with the import scope. */
  unitPrice: Schema.optionalKey(Price)
})
const stated = ({ params, payload }: { readonly params: { readonly sku: SkuCode }; readonly payload: Stated }) => ({
  sku: params.sku,
  variant: payload.variant ?? "",
  quantity: payload.quantity,
  ...given("agreedPrice", payload.unitPrice?.amount)
})
const addedLine = Schema.Struct({ sku: SkuCode, quantity, variant })
const added = ({ payload }: { readonly payload: typeof addedLine.Type }) => ({
  sku: payload.sku,
  variant: payload.variant ?? "",
  quantity: payload.quantity
})
const statedCharge = Schema.Struct({ kind: Charge.fields.kind, amount: StatedMoney })
interface Removal {
  readonly params: { readonly sku: SkuCode }
  readonly query: { readonly variant?: string }
}
const removed = ({ params, query }: Removal) => ({ sku: params.sku, variant: query.variant ?? "" })

export const CartApi = Routes.group(
  "carts",
  {
    title: "Carts",
    about: "Open a cart, put lines into it, and turn it into an order. A cart's id is unguessable and is its own proof."
  },
  [
    Routes.command("openCart", "POST", "/carts", {
      access: everybody,
      traffic: aChange,
      summary: "Open a cart in a region",
      about: `The cart lives in its region for good, and is priced in one currency. ${repeated} With \`pricing: agreed\` the caller states prices and charges itself, which needs the import scope.`,
      example: { region: "eu", currency: "GBP" },
      contract: Cart,
      message: "OpenCart",
      payload: Schema.Struct({
        region: Region,
        currency: OpenCart.fields.currency,
        customerId: OpenCart.fields.customerId,
        /** `agreed` needs the import scope. */
        pricing: Schema.optionalKey(Pricing)
      }),
      json: CartJson,
      version: "none",
      refuses: [Unauthorized, Forbidden],
      asks: {
        customer: ({ payload }) => payload.customerId,
        agreedPrices: ({ payload }) => payload.pricing === "agreed"
      },
      creates: { what: "cart", location: (id) => `/v1/carts/${id}` },
      // The cart of an account names its owner in its id.
      id: ({ payload: { customerId, region } }, random) =>
        `${region}_${customerId !== undefined && hasAccount(customerId) ? ownedKey(random, customerId) : random}`,
      fields: ({ payload: { currency, customerId, pricing = "shop" } }) => ({
        currency,
        pricing,
        ...given("customerId", customerId)
      })
    }),
    Routes.query("getCart", "/carts/:id", {
      ...toCart,
      access: { ...changeOfCart, ...looks },
      traffic: { priority: "cart", cost: 1 },
      summary: "The cart as it is now",
      about:
        "Priced as of the last change; prices are read again at checkout. Lines of an open cart say what of them could be sold at this moment (`availability`): advice, since only a checkout sets goods aside. `lastFailure` says why the order of the latest checkout came to nothing. With `If-None-Match`, a version that you have already is answered with 304.",
      beside: CartStock.make
    }),
    Routes.command("putLine", "PUT", "/carts/:id/lines/:sku", {
      ...toLine,
      access: { ...changeOfCart, roles: { ...shopper, merchandiser: "any" } },
      traffic: aChange,
      summary: "The line has this quantity from now on",
      about:
        "States the quantity, so that a repeat changes nothing. The unit price is the product's, unless the cart has agreed pricing.",
      example: { quantity: 2 },
      message: "PutLine",
      payload: statedLine,
      asks: { agreedPrices: ({ payload }) => payload.unitPrice !== undefined },
      before: inCurrency((payload: Stated) => payload.unitPrice),
      refuses: [CurrencyMismatch, Unauthorized, Forbidden],
      fields: stated,
      minimal: byItself(stated)
    }),
    Routes.command("addLine", "POST", "/carts/:id/lines", {
      ...toCart,
      access: changeOfCart,
      summary: "The line has this much more",
      about: `As \`putLine\` with what is there already added. ${repeated}`,
      example: { sku: "TEA-01", quantity: 1 },
      message: "AddLine",
      payload: addedLine,
      key: "required",
      fields: added,
      minimal: byItself((request: { readonly payload: typeof addedLine.Type }) => ({ ...added(request), more: true }))
    }),
    Routes.command("reprice", "POST", "/carts/:id/reprice", {
      ...toCart,
      access: changeOfCart,
      summary: "Take the prices of now",
      about: "As checkout does it; a line whose product is gone stays as it is, and stops the checkout.",
      message: "Reprice"
    }),
    Routes.command("putCoupon", "PUT", "/carts/:id/coupon", {
      ...toCart,
      access: givesAway,
      summary: "A percentage off the goods",
      about: "The last one holds. What it is worth is said here, which needs the import scope.",
      example: { code: "WELCOME-10", basisPoints: 1000 },
      message: "ApplyCoupon",
      payload: Coupon,
      actor: "edge:import",
      fields: ({ payload }) => ({ coupon: payload })
    }),
    Routes.command("removeCoupon", "DELETE", "/carts/:id/coupon", {
      ...toCart,
      access: changeOfCart,
      summary: "Take the coupon off",
      about: "Taking off a coupon that is not there is no error.",
      message: "RemoveCoupon"
    }),
    Routes.command("removeLine", "DELETE", "/carts/:id/lines/:sku", {
      ...toLine,
      access: changeOfCart,
      traffic: aChange,
      summary: "Take a line out; harmless when it is not there",
      about: "Taking out a line that is not there changes nothing and is no error.",
      message: "RemoveLine",
      query: { variant },
      fields: removed,
      minimal: byItself((request: Removal) => ({ ...removed(request), quantity: 0 as const }))
    }),
    Routes.command("putCharge", "PUT", "/carts/:id/charges/:code", {
      ...toCart,
      access: givesAway,
      traffic: aChange,
      summary: "A charge or a discount that was agreed on",
      about: "Shipping, a discount or a fee of a cart with agreed pricing. An amount of 0 takes it away.",
      example: { kind: "shipping", amount: gbp("395") },
      message: "PutCharge",
      params: { id: CartId, code: Charge.fields.code },
      payload: statedCharge,
      actor: "edge:import",
      before: inCurrency(({ amount }: typeof statedCharge.Type) => amount),
      refuses: [CurrencyMismatch],
      fields: ({ params, payload }) => ({
        charge: { code: params.code, kind: payload.kind, amount: payload.amount.amount }
      })
    }),
    Routes.command("mergeCart", "POST", "/carts/:id/merge", {
      ...toCart,
      access: changeOfCart,
      traffic: { priority: "cart", cost: 5 },
      summary: "Take over all lines of another cart, which is closed",
      about:
        "Lines of the same SKU and variant add up, charges of the same code too. The coupon comes along; of two the one that takes more off is kept. What is not brought over stands in `notices`. Both carts must be of one region, currency and pricing; the other cart takes no more changes.",
      example: { from: "eu_f8Lx0Vn5Gd2RwPqZ7hTkUs" },
      message: "Merge",
      payload: Routes.bodyOf(Merge),
      asks: { cart: ({ payload }) => payload.from }
    }),
    checkOut
  ]
)
