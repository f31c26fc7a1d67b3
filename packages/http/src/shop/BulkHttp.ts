import { Cart, PutLines } from "@halles/entities/cart/Cart"
import { ListProduct, Product } from "@halles/entities/catalogue/Product"
import { Adjust, Receive, Sku } from "@halles/entities/inventory/Sku"
import { skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import * as Access from "../access/Access.ts"
import { Api } from "../Api.ts"
import type { ProductItem, StockItem } from "./BulkApi.ts"
import { cartJson, refusalOf } from "./CartHttp.ts"
import * as Consistency from "./Consistency.ts"
import * as Edge from "../Edge.ts"
import { IdempotencyKeyReused } from "../problems/EdgeErrors.ts"
import * as Problem from "../problems/Problem.ts"
import * as Upstreams from "../admission/Upstreams.ts"

/** Items of one request that are on their way at a time: the rest of the cluster has other clients. */
const concurrency = 16

interface Outcome {
  readonly index: number
  readonly seq: number | null
  readonly problem: Problem.Document | null
}

const outcomesJson = (outcomes: ReadonlyArray<Outcome>) => {
  const failed = outcomes.filter(({ problem }) => problem !== null).length
  return {
    items: outcomes.map(({ index, problem, seq }) => ({ index, status: problem?.status ?? 200, seq, problem })),
    succeeded: outcomes.length - failed,
    failed
  }
}
const answer = (body: object, seen: ReadonlyArray<Consistency.Seen>, headers: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.jsonUnsafe(body, {
    status: 207,
    headers: { "consistency-token": Consistency.tokenOf(seen), ...headers }
  })

/** Items of one entity go in the order of the request, since the later one is meant to hold. */
const inOrderOf = <Item, E extends { readonly _tag: string }, R>(
  items: ReadonlyArray<Item>,
  entity: (item: Item) => string,
  send: (item: Item, index: number) => Effect.Effect<Consistency.Seen, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  Effect.gen(function* () {
    const groups = [...Map.groupBy(items.keys(), (index) => entity(items[index]!)).values()]
    const outcomes: Array<Outcome> = []
    const seen: Array<Consistency.Seen> = []
    const sendOne = (index: number) =>
      Effect.match(send(items[index]!, index), {
        onFailure: (error) => void outcomes.push({ index, seq: null, problem: Problem.documentOf(error) }),
        onSuccess: (done) => {
          seen.push(done)
          outcomes.push({ index, seq: done[2], problem: null })
        }
      })
    yield* Effect.forEach(groups, (group) => Effect.forEach(group, sendOne, { discard: true }), {
      concurrency,
      discard: true
    })
    return answer(outcomesJson(outcomes.toSorted((a, b) => a.index - b.index)), seen)
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
                (view): Consistency.Seen => ["Sku", view.id, view.seq]
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
                (view): Consistency.Seen => ["Product", skuId(view.region, view.sku), view.seq]
              )
          )
        ),
      // One command and one row, whose answer names what was refused; the cart is asked for once, at the end.
      bulkLines: Effect.fnUntraced(function* ({ headers, params: { id }, payload }) {
        const lines = payload.items.map(({ quantity, sku, variant = "" }) => ({ sku, variant, quantity }))
        const { refused, seq } = yield* Edge.send("bulk", headers, (stamp) =>
          cart(id).PutLines(new PutLines({ ...stamp, lines }))
        ).pipe(Effect.catchTag("LinesNotTaken", ({ refused }) => Effect.succeed({ refused, seq: null })))
        const reasons = new Map(refused.map((one) => [one.index, one]))
        const outcomes = lines.map(({ sku }, index): Outcome => {
          const reason = reasons.get(index)
          return reason === undefined
            ? { index, seq, problem: null }
            : { index, seq: null, problem: Problem.documentOf(refusalOf(sku, reason)) }
        })
        const body = outcomesJson(outcomes)
        if (Edge.isMinimal(headers.prefer)) {
          const seen: ReadonlyArray<Consistency.Seen> = seq === null ? [] : [["Cart", id, seq]]
          return answer({ ...body, cart: null }, seen, { "preference-applied": "return=minimal" })
        }
        const view = yield* Edge.call(cart(id).View())
        return answer({ ...body, cart: cartJson(view) }, [["Cart", id, view.seq]])
      })
    })
  })
)
