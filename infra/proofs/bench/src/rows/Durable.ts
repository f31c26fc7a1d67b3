import * as EntityClient from "@halles/engine/activation/EntityClient"
import { Receive, Sku } from "@halles/entities/inventory/Sku"
import { CommandId, SkuId, WarehouseId } from "@halles/shared/Ids"
import { Effect } from "effect"
import { floor } from "./Floor.ts"
import { closedLoop, type Span } from "../Measure.ts"
import type { Measurement } from "../Measurement.ts"
import { Stage } from "../Stage.ts"

/** Ids of a row's own, so that no row meets the entities of another. */
export const skuOf = (row: string, n: number): SkuId => SkuId.make(`eu_${row}-${n}`)

/**
 * The durable command: goods received at a SKU. Decided, journaled with fsync, published to the stream, answered with
 * the stock after it.
 */
export const receive = Effect.fnUntraced(function* (row: string) {
  const skus = yield* EntityClient.make(Sku)
  const warehouse = WarehouseId.make("eu-main")
  const run = Date.now().toString(36)
  return (n: number, keys: number) =>
    skus(skuOf(row, n % keys)).Receive(
      new Receive({ commandId: CommandId.make(`${run}-${n}`), warehouse, quantity: 1 })
    )
})

const inFlight = 256

/** So many callers over so many SKUs of one runner that is there. */
export const receiving = (row: string, keys: number, span: Span) =>
  Effect.gen(function* () {
    const stage = yield* Stage
    const send = yield* receive(row)
    return yield* closedLoop({
      row,
      setting: `${keys} key${keys === 1 ? "" : "s"}, ${inFlight} in flight, one runner, fsync on`,
      inFlight,
      span,
      cpu: stage.cpu,
      operation: (n) => send(n, keys)
    })
  })

const withRunner = (row: string, keys: number, span: Span) =>
  Effect.gen(function* () {
    const stage = yield* Stage
    yield* stage.runner("eu-1")
    return yield* receiving(row, keys, span).pipe(Effect.provide(stage.client))
  }).pipe(Effect.scoped)

/** A journaled command over 1,000 entities, and the bare insert of the same rows. */
export const durable: Measurement = {
  rows: ["durableUniform", "durableFloor"],
  run: Effect.fnUntraced(function* ({ report, span, wants }) {
    const row = "durableUniform"
    const ours = yield* withRunner(row, 1_000, span)
    yield* report(row, ours)
    if (wants("durableFloor")) yield* report("durableFloor", yield* floor(ours, span))
  })
}

/** The same command on one entity. */
export const durableHot: Measurement = {
  rows: ["durableHot"],
  run: ({ report, span }) =>
    Effect.flatMap(withRunner("durableHot", 1, span), (figures) => report("durableHot", figures))
}
