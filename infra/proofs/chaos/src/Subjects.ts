import type { Commanded } from "@halles/engine/eventsourced/Kind"
import type { AnyModel } from "@halles/entities/Domain"
import { domains } from "@halles/entities/Domains"
import { MergeRefused } from "@halles/entities/cart/Cart"
import type * as CartState from "@halles/entities/cart/CartState"
import type { Row } from "@halles/harness/Books"
import { regionOf } from "@halles/shared/Region"
import { given } from "@halles/shared/wire/Stamp"
import * as Catalogue from "./Catalogue.ts"
import * as EdgeForm from "./EdgeForm.ts"
import { judge, type Judged, refused, type Subject } from "./EntitySpecification.ts"

const listings = new Map(Catalogue.sold.map((article) => [article.sku, Catalogue.listing(article)] as const))
const prices = Object.fromEntries(
  [...listings].map(([sku, { parts, price }]) => [sku, { ...price, ...given("parts", parts) }] as const)
)

/** Lines and prices as a cart reads them from the products. */
const completeCart = (command: CartState.Command): CartState.Command => {
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
const ofCart = (command: Commanded): CartState.Command => command as CartState.Command

/** What the handlers of a type do beyond its model, and what the edge shows of it. */
const handled: Readonly<Record<string, Omit<Subject, "model">>> = {
  Cart: {
    complete: (command) => completeCart(ofCart(command)),
    refusal: (id, sent) => {
      const command = ofCart(sent)
      if (command._tag !== "Merge") return null
      if (command.from === id) return refused(new MergeRefused({ reason: "same_cart" }))
      return regionOf(command.from) === regionOf(id) ? null : refused(new MergeRefused({ reason: "other_region" }))
    },
    later: ({ _tag }) => (_tag === "Merge" ? "view" : null),
    atEdge: EdgeForm.cart
  },
  Sku: { atEdge: EdgeForm.sku },
  Order: { atEdge: EdgeForm.order },
  // A payment waits for the gateway, and then says what became of the operation.
  Payment: { later: () => "answer" }
}
const models = new Map<string, AnyModel>(domains.map(({ model, type }) => [type, model]))

/** How calls on one entity are judged. */
export const of = (type: string, id: string, rows: ReadonlyArray<Row>): Judged =>
  judge({ model: models.get(type)!, ...handled[type] }, id, rows)
