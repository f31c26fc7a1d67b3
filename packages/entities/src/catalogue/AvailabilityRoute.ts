import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { SkuCode, skuId } from "@halles/shared/Ids"
import { Count } from "@halles/shared/Quantity"
import { Region } from "@halles/shared/Region"
import { everybody } from "@halles/shared/wire/AccessRule"
import * as Answers from "@halles/shared/wire/Answers"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import { named } from "@halles/shared/wire/Named"
import * as Refusal from "@halles/shared/wire/Refusal"
import { given } from "@halles/shared/wire/Stamp"
import { Effect, Schema } from "effect"
import { HttpApiEndpoint } from "effect/http-api"
import * as Availability from "../inventory/Availability.ts"
import { DefaultRegion, Edge, regional } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { Part } from "./Parts.ts"
import { Product } from "./Product.ts"
import { isPublic } from "./ProductJson.ts"

const { quantity } = Part.fields
/** Units that could be sold at this moment, and whether more may be ordered than there is. */
const sellable = { sku: SkuCode, available: Count, backOrder: Schema.Boolean }
const AvailabilityJson = Schema.Struct({
  region: Region,
  ...sellable,
  /** Of a bundle: its parts, with what there is of each. */
  parts: Schema.optionalKey(Schema.Array(Schema.Struct({ ...sellable, quantity })))
}).pipe(
  named("Availability", {
    region: "eu",
    sku: "BREAKFAST-BOX",
    available: 12,
    backOrder: false,
    parts: [
      { sku: "TEA-01", quantity: 2, available: 25, backOrder: false },
      { sku: "MUG-07", quantity: 1, available: 40, backOrder: true }
    ]
  })
)

/** What could be sold of a product, as the carts show it: from the read table of stock. */
export const getAvailability = Routes.custom(
  HttpApiEndpoint.get("getAvailability", "/products/:sku/availability", {
    params: { sku: SkuCode },
    query: regional,
    success: AvailabilityJson,
    error: [Refusal.of(NotFound)]
  }),
  {
    access: everybody,
    traffic: { priority: "browse", cost: 1 },
    summary: "How many units could be sold now",
    about:
      "Of a product that has stock: what its warehouses have and no order holds. Of a bundle: as many as its scarcest part suffices for. None of a product that is off sale. It is advice, at most some seconds old: only a checkout sets goods aside."
  },
  Effect.gen(function* () {
    const edge = yield* Edge
    const own = yield* DefaultRegion
    const product = yield* edge.entity(Product)
    const availability = yield* Availability.make
    return Effect.fnUntraced(function* ({ params: { sku }, query: { region = own }, request }) {
      const view = yield* edge.call(product(skuId(region, sku)).View())
      if (!isPublic(view)) return yield* new NotFound({ entity: "Product", id: skuId(region, sku) })
      const { parts } = view
      const stock = yield* availability(region, parts?.map((part) => part.sku) ?? [sku])
      if (stock === null) return yield* new Unavailable()
      const sellableOf = (code: SkuCode) => {
        const { backOrder, units } = stock.get(code)!
        return { sku: code, available: units, backOrder }
      }
      const each = parts?.map((part) => ({ ...sellableOf(part.sku), quantity: part.quantity }))
      const { backOrder, units } = parts === undefined ? stock.get(sku)! : Availability.ofParts(parts, stock)
      const now = view.listed ? { available: units, backOrder } : { available: 0, backOrder: false }
      const body = { region, sku, ...now, ...given("parts", each) }
      return Answers.freshBeside(request, view.seq, body)
    })
  })
)
