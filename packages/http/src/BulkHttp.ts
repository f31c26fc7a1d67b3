import { Cart, type CartView, PutLine, RemoveLine } from "@halles/entities/Cart"
import { ListProduct, Product } from "@halles/entities/Product"
import { Adjust, Receive, Sku } from "@halles/entities/Sku"
import { skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import * as Access from "./Access.ts"
import { Api } from "./Api.ts"
import type { LineItem, ProductItem, StockItem } from "./BulkApi.ts"
import { cartJson } from "./CartHttp.ts"
import { productJson } from "./CatalogHttp.ts"
import * as Consistency from "./Consistency.ts"
import * as Edge from "./Edge.ts"
import { IdempotencyKeyReused } from "./EdgeErrors.ts"
import * as Problem from "./Problem.ts"
import { skuJson } from "./SkuHttp.ts"
import * as Upstreams from "./Upstreams.ts"

/** Items of one request that are on their way at a time: the rest of the cluster has other clients. */
const concurrency = 16

interface Done {
  readonly seen: Consistency.Seen
  readonly body: object
}

/** Items of one entity go in the order of the request, since the later one is meant to hold. */
const inOrderOf = <Item, E extends { readonly _tag: string }, R>(
  items: ReadonlyArray<Item>,
  entity: (item: Item) => string,
  send: (item: Item, index: number) => Effect.Effect<Done, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  Effect.gen(function* () {
    const groups = [...Map.groupBy(items.keys(), (index) => entity(items[index]!)).values()]
    const answers: Array<{
      readonly index: number
      readonly done: Done | null
      readonly problem: Problem.Document | null
    }> = []
    const sendOne = (index: number) =>
      Effect.match(send(items[index]!, index), {
        onFailure: (error) => answers.push({ index, done: null, problem: Problem.documentOf(error) }),
        onSuccess: (done) => answers.push({ index, done, problem: null })
      })
    yield* Effect.forEach(groups, (group) => Effect.forEach(group, sendOne, { discard: true }), {
      concurrency,
      discard: true
    })
    const sorted = answers.toSorted((a, b) => a.index - b.index)
    const done = sorted.flatMap((answer) => answer.done ?? [])
    return HttpServerResponse.jsonUnsafe(
      {
        items: sorted.map(({ done, index, problem }) => ({
          index,
          status: problem?.status ?? 200,
          body: done?.body ?? null,
          problem
        })),
        succeeded: done.length,
        failed: sorted.length - done.length
      },
      { status: 207, headers: { "consistency-token": Consistency.tokenOf(done.map(({ seen }) => seen)) } }
    )
  })

/** One region that the sender may not act in refuses the request as a whole. */
const held = <A, E, R>(items: ReadonlyArray<{ readonly region: Region }>, effect: Effect.Effect<A, E, R>) =>
  Effect.andThen(Effect.forEach(new Set(items.map(({ region }) => region)), Access.inRegion, { discard: true }), effect)

export const BulkHttp = HttpApiBuilder.group(
  Api,
  "bulk",
  Effect.fnUntraced(function* (handlers) {
    const cart = yield* Upstreams.entity(Cart)
    const product = yield* Upstreams.entity(Product)
    const sku = yield* Upstreams.entity(Sku)

    const sendStock = Effect.fnUntraced(function* (item: typeof StockItem.Type, fields: Edge.Stamp) {
      const entity = sku(skuId(item.region, item.sku))
      if (item.type === "receive") {
        const { quantity, warehouse } = item
        return yield* entity
          .Receive(new Receive({ ...fields, warehouse, quantity }))
          .pipe(Effect.catchTag("CommandReused", () => Effect.fail(new IdempotencyKeyReused())))
      }
      const { expectedOnHand, onHand, reason, warehouse } = item
      return yield* entity.Adjust(new Adjust({ ...fields, warehouse, expectedOnHand, onHand, reason }))
    })
    const sendProduct = (
      { description = "", price, region, sku, taxRate, title }: typeof ProductItem.Type,
      fields: Edge.Stamp
    ) =>
      product(skuId(region, sku)).ListProduct(
        new ListProduct({ ...fields, sku, title, description, price: { ...price, taxRate } })
      )
    const sendLine = (id: CartView["id"], { quantity, sku, variant = "" }: typeof LineItem.Type, fields: Edge.Stamp) =>
      quantity === 0
        ? cart(id).RemoveLine(new RemoveLine({ ...fields, sku, variant }))
        : cart(id).PutLine(new PutLine({ ...fields, sku, variant, quantity }))

    return handlers.handleAll({
      bulkStock: ({ headers, payload }) =>
        held(
          payload.items,
          inOrderOf(
            payload.items,
            ({ region, sku }) => skuId(region, sku),
            (item, index) =>
              Effect.map(
                Edge.send(`bulk:${index}`, headers, (stamp) => sendStock(item, stamp)),
                (view) => ({
                  seen: ["Sku", view.id, view.seq],
                  body: skuJson(view)
                })
              )
          )
        ),
      bulkProducts: ({ headers, payload }) =>
        held(
          payload.items,
          inOrderOf(
            payload.items,
            ({ region, sku }) => skuId(region, sku),
            (item, index) =>
              Effect.map(
                Edge.send(`bulk:${index}`, headers, (stamp) => sendProduct(item, stamp)),
                (view) => ({
                  seen: ["Product", skuId(view.region, view.sku), view.seq],
                  body: productJson(view)
                })
              )
          )
        ),
      bulkLines: Effect.fnUntraced(function* ({ headers, params, payload }) {
        yield* Edge.call(cart(params.id).View())
        return yield* inOrderOf(
          payload.items,
          () => params.id,
          (item, index) =>
            Effect.map(
              Edge.send(`bulk:${index}`, headers, (stamp) => sendLine(params.id, item, stamp)),
              (view) => ({
                seen: ["Cart", view.id, view.seq],
                body: cartJson(view)
              })
            )
        )
      })
    })
  })
)
