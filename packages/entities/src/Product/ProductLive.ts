import { SkuId } from "@halles/shared/Ids"
import * as Residents from "@halles/shared/Residents"
import { Effect } from "effect"
import { Entity } from "effect/cluster"
import { NotFound } from "../EntityErrors.ts"
import * as EventSourced from "../EventSourced.ts"
import { Product } from "../Product.ts"
import * as Refusals from "../Refusals.ts"
import * as ProductState from "./ProductState.ts"

const options = { ...EventSourced.options, maxIdleTime: "5 minutes", mailboxCapacity: 1_024 } as const

export const ProductLive = Product.toLayer(
  Effect.gen(function* () {
    const id = SkuId.make((yield* Entity.CurrentAddress).entityId)
    const self = yield* EventSourced.make(ProductState)

    const shown = ({ seq, state }: { readonly state: ProductState.State; readonly seq: number }) => {
      const product = ProductState.view(id, state, seq)
      return product === null ? Effect.fail(new NotFound({ entity: ProductState.type, id })) : Effect.succeed(product)
    }
    const asked = (command: ProductState.Command) => Effect.flatMap(self.handle(command), shown)

    return Product.of({
      ListProduct: ({ payload }) => asked(payload).pipe(Refusals.only(id, "PreconditionFailed", "Busy")),
      Unlist: ({ payload }) => asked(payload).pipe(Refusals.only(id, "NotFound", "PreconditionFailed", "Busy")),
      Wake: ({ payload }) => Effect.asVoid(self.handle(payload)).pipe(Refusals.only(id, "Busy")),
      View: () => Effect.flatMap(self.committed, shown)
    })
  }).pipe(Residents.residing(Product, options)),
  options
)
