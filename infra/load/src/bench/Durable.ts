import { Receive, Sku } from "@halles/entities/Sku"
import { CommandId, SkuId, WarehouseId } from "@halles/shared/Ids"
import { Effect } from "effect"
import { closedLoop, type Span } from "./Measure.ts"
import { Stage } from "./Stage.ts"

/** Ids of a row's own, so that no row meets the entities of another. */
const skuOf = (row: string, n: number): SkuId => SkuId.make(`eu_${row}-${n}`)

/**
 * The durable command: goods received at a SKU. Decided, journaled with fsync, published to the stream, answered with
 * the stock after it.
 */
export const receive = Effect.fnUntraced(function* (row: string) {
  const skus = yield* Sku.client
  const warehouse = WarehouseId.make("eu-main")
  const run = Date.now().toString(36)
  return (n: number, keys: number) =>
    skus(skuOf(row, n % keys)).Receive(
      new Receive({ commandId: CommandId.make(`${run}-${n}`), warehouse, quantity: 1 })
    )
})

/** `durableUniform` and `durableHot`: so many callers over so many SKUs of one runner. */
export const durable = (options: {
  readonly row: string
  readonly keys: number
  readonly inFlight: number
  readonly span: Span
}) =>
  Effect.gen(function* () {
    const { inFlight, keys, row, span } = options
    const stage = yield* Stage
    yield* stage.runner("eu-1")
    return yield* Effect.gen(function* () {
      const send = yield* receive(row)
      return yield* closedLoop({
        row,
        setting: `${keys} key${keys === 1 ? "" : "s"}, ${inFlight} in flight, one runner, fsync on`,
        inFlight,
        span,
        cpu: stage.cpu,
        operation: (n) => send(n, keys)
      })
    }).pipe(Effect.provide(stage.client))
  }).pipe(Effect.scoped)
