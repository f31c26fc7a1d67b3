import { SkuId } from "@halles/shared/Ids"
import { Effect } from "effect"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import type { ShellOf } from "@halles/engine/eventsourced/EventSourcedEntity"
import { Product } from "./Product.ts"
import * as Refusals from "@halles/engine/eventsourced/Refusals"
import * as ProductState from "./ProductState.ts"

type Self = ShellOf<SkuId, typeof ProductState>

const shown = (self: Self, { seq, state }: { readonly state: ProductState.State; readonly seq: number }) => {
  const product = ProductState.view(self.id, state, seq)
  return product === null
    ? Effect.fail(new NotFound({ entity: ProductState.type, id: self.id }))
    : Effect.succeed(product)
}
const asked = (self: Self, command: ProductState.Command) =>
  Effect.flatMap(self.handle(command), (now) => shown(self, now))

export const ProductLive = EventSourced.layer(Product, ProductState, {
  id: SkuId,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 1_024,
  handlers: {
    ListProduct: (self, payload) => asked(self, payload).pipe(Refusals.only(self.id, "PreconditionFailed", "Busy")),
    Unlist: (self, payload) =>
      asked(self, payload).pipe(Refusals.only(self.id, "NotFound", "PreconditionFailed", "Busy")),
    Wake: (self, payload) => Effect.asVoid(self.handle(payload)).pipe(Refusals.only(self.id, "Busy")),
    View: (self) => Effect.flatMap(self.committed, (now) => shown(self, now))
  }
})
