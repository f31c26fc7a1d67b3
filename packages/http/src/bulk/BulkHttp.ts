import { Cart, PutLines } from "@halles/entities/cart/Cart"
import { listingFields } from "@halles/entities/catalogue/ProductApi"
import { ListProduct, Product } from "@halles/entities/catalogue/Product"
import { Adjust, Receive, Sku } from "@halles/entities/inventory/Sku"
import { skuId, type SkuCode } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../Api.ts"
import type { ProductItem, StockItem } from "./BulkApi.ts"
import { CartJson, refusalOf } from "@halles/entities/cart/CartApi"
import { Edge } from "@halles/entities/routes/Edge"
import * as Headers from "@halles/shared/wire/Headers"
import * as Stamp from "@halles/shared/wire/Stamp"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import * as Consistency from "@halles/shared/wire/Consistency"
import { IdempotencyKeyReused } from "@halles/shared/wire/EdgeErrors"
import type { Document } from "@halles/shared/wire/Problem"
import { documentOf } from "@halles/shared/wire/Refusal"

/** Items of one request that are on their way at a time: the rest of the cluster has other clients. */
const concurrency = 16

type RequestHeaders = Parameters<typeof Stamp.stamp>[1]

interface Outcome {
  readonly index: number
  readonly seq: number | null
  readonly problem: Document | null
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
        onFailure: (error) => void outcomes.push({ index, seq: null, problem: documentOf(error) }),
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

const encode = ViewJson.encoder(CartJson)

export const BulkHttp = HttpApiBuilder.group(
  Api,
  "bulk",
  Effect.fnUntraced(function* (handlers) {
    const edge = yield* Edge
    const cart = yield* edge.entity(Cart)
    const product = yield* edge.entity(Product)
    const sku = yield* edge.entity(Sku)
    const send = <A, E, R>(
      operation: string,
      headers: RequestHeaders,
      command: (stamp: Stamp.Stamp) => Effect.Effect<A, E, R>,
      sender?: Stamp.Sender
    ) => Effect.flatMap(Stamp.stamp(operation, headers, sender), (stamp) => edge.call(command(stamp)))
    /** A command for each item. One region that the sender may not act in refuses the request as a whole. */
    const sendEach =
      <Item extends { readonly region: Region; readonly sku: SkuCode }, View, E extends { readonly _tag: string }>(
        sendItem: (item: Item, stamp: Stamp.Stamp) => Effect.Effect<View, E>,
        seenOf: (view: View) => Consistency.Seen
      ) =>
      ({
        headers,
        payload: { items }
      }: {
        readonly headers: RequestHeaders
        readonly payload: { readonly items: ReadonlyArray<Item> }
      }) =>
        Effect.andThen(
          Effect.forEach(new Set(items.map(({ region }) => region)), (region) => edge.ask({ region }), {
            discard: true
          }),
          inOrderOf(
            items,
            ({ region, sku }) => skuId(region, sku),
            (item, index) =>
              Effect.map(
                send(`bulk:${index}`, headers, (stamp) => sendItem(item, stamp), { authored: true }),
                seenOf
              )
          )
        )

    const sendStock = Effect.fnUntraced(function* (item: typeof StockItem.Type, stamp: Stamp.Stamp) {
      const entity = sku(skuId(item.region, item.sku))
      if (item.type === "adjust") return yield* entity.Adjust(new Adjust({ ...item, ...stamp }))
      return yield* entity
        .Receive(new Receive({ ...item, ...stamp }))
        .pipe(Effect.catchTag("CommandReused", () => Effect.fail(new IdempotencyKeyReused())))
    })
    const sendProduct = ({ region, sku, ...listing }: typeof ProductItem.Type, stamp: Stamp.Stamp) =>
      product(skuId(region, sku)).ListProduct(new ListProduct({ ...stamp, ...listingFields(sku, listing) }))
    return handlers.handleAll({
      bulkStock: sendEach(sendStock, ({ id, seq }) => ["Sku", id, seq]),
      bulkProducts: sendEach(sendProduct, ({ region, seq, sku }) => ["Product", skuId(region, sku), seq]),
      // One command and one row, whose answer names what was refused; the cart is asked for once, at the end.
      bulkLines: Effect.fnUntraced(function* ({ headers, params: { id }, payload }) {
        const lines = payload.items.map(({ quantity, sku, variant = "" }) => ({ sku, variant, quantity }))
        const { refused, seq } = yield* send("bulk", headers, (stamp) =>
          cart(id).PutLines(new PutLines({ ...stamp, lines }))
        ).pipe(Effect.catchTag("LinesNotTaken", ({ refused }) => Effect.succeed({ refused, seq: null })))
        const reasons = new Map(refused.map((one) => [one.index, one]))
        const outcomes = lines.map(({ sku }, index): Outcome => {
          const reason = reasons.get(index)
          return reason === undefined
            ? { index, seq, problem: null }
            : { index, seq: null, problem: documentOf(refusalOf(sku, reason)) }
        })
        const body = outcomesJson(outcomes)
        if (Headers.isMinimal(headers.prefer)) {
          const seen: ReadonlyArray<Consistency.Seen> = seq === null ? [] : [["Cart", id, seq]]
          return answer({ ...body, cart: null }, seen, { "preference-applied": "return=minimal" })
        }
        const view = yield* edge.call(cart(id).View())
        return answer({ ...body, cart: encode(view) }, [["Cart", id, view.seq]])
      })
    })
  })
)
