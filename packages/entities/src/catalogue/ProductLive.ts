import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { SkuId } from "@halles/shared/Ids"
import * as HistoryLive from "../history/HistoryLive.ts"
import { Product } from "./Product.ts"
import { EditedJson } from "./ProductJson.ts"
import * as ProductState from "./ProductState.ts"

/** Hosts products on a runner. */
export const ProductLive = HistoryLive.layer(
  {
    model: ProductState,
    edited: ProductState.edited,
    json: EditedJson,
    fields: ({ product, ...rest }) => ({ ...(product as object), ...rest }),
    reason: (events, before) => {
      const [due] = events
      if (due?._tag !== "ChangeDue" || before._tag === "None") return undefined
      return before.scheduled.find(({ changeId }) => changeId === due.changeId)?.reason
    }
  },
  (handlers) =>
    EventSourced.layer(Product, ProductState, {
      id: SkuId,
      maxIdleTime: "5 minutes",
      mailboxCapacity: 1_024,
      handlers
    })
)
