import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { SkuId } from "@halles/shared/Ids"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect, Layer } from "effect"
import * as HistoryLive from "./HistoryLive.ts"
import { Product } from "./Product.ts"
import { EditedJson } from "./ProductJson.ts"
import * as ProductState from "./ProductState.ts"

const encode = ViewJson.encoder(EditedJson)

/** Hosts products on a runner. */
export const ProductLive = Layer.unwrap(
  Effect.map(
    HistoryLive.handlers({
      model: ProductState,
      edited: ProductState.edited,
      fields: (edited) => {
        const { product, ...rest } = encode(edited)
        const { region: _region, seq: _seq, sku: _sku, ...own } = product
        return { ...own, ...rest }
      },
      reason: (events, before) => {
        const [due] = events
        if (due?._tag !== "ChangeDue" || before._tag === "None") return undefined
        return before.scheduled.find(({ changeId }) => changeId === due.changeId)?.reason
      }
    }),
    (handlers) =>
      EventSourced.layer(Product, ProductState, {
        id: SkuId,
        maxIdleTime: "5 minutes",
        mailboxCapacity: 1_024,
        handlers
      })
  )
)
