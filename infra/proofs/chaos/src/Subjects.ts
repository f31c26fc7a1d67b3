import type { Row } from "@halles/harness/Books"
import { MergeRefused } from "@halles/entities/cart/Cart"
import * as CartState from "@halles/entities/cart/CartState"
import * as OrderState from "@halles/entities/order/OrderState"
import * as PaymentState from "@halles/entities/payment/PaymentState"
import * as SkuState from "@halles/entities/inventory/SkuState"
import { regionOf } from "@halles/shared/Region"
import type { Command, EntityType } from "./Call.ts"
import * as Catalogue from "./Catalogue.ts"
import * as EdgeForm from "./EdgeForm.ts"
import { judge, type Judged, type Pure, refused, type Subject } from "./EntitySpecification.ts"

const listings = new Map(Catalogue.articles.map((article) => [article.sku, Catalogue.listing(article)] as const))
const prices = Object.fromEntries([...listings].map(([sku, { price }]) => [sku, price] as const))

/** Lines and prices as a cart reads them from the products. */
const completeCart = (command: Command): Command => {
  switch (command._tag) {
    case "PutLine":
    case "AddLine": {
      const listing = listings.get(command.sku)
      return listing === undefined ? command : { ...command, listing }
    }
    case "CheckOut":
    case "Reprice":
      return { ...command, prices }
    default:
      return command
  }
}

/** Calls are kept by entity type, so a command is one of its model. */
const pure = (module: object): Pure => module as Pure

const subjects: Readonly<Record<EntityType, Subject>> = {
  Cart: {
    model: pure(CartState),
    complete: completeCart,
    refusal: (id, command) => {
      if (command._tag !== "Merge") return null
      if (command.from === id) return refused(new MergeRefused({ reason: "same_cart" }))
      return regionOf(command.from) === regionOf(id) ? null : refused(new MergeRefused({ reason: "other_region" }))
    },
    later: ({ _tag }) => (_tag === "Merge" ? "view" : null),
    atEdge: EdgeForm.cart
  },
  Sku: { model: pure(SkuState), atEdge: EdgeForm.sku },
  Order: { model: pure(OrderState), atEdge: EdgeForm.order },
  // A payment waits for the gateway, and then says what became of the operation.
  Payment: { model: pure(PaymentState), later: () => "answer" }
}

/** How calls on one entity are judged. */
export const of = (type: EntityType, id: string, rows: ReadonlyArray<Row>): Judged => judge(subjects[type], id, rows)
