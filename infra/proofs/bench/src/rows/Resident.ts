import * as EntityClient from "@halles/engine/activation/EntityClient"
import { Cart, OpenCart, PutLine } from "@halles/entities/cart/Cart"
import { CommandId, SkuCode } from "@halles/shared/Ids"
import { runnerPort } from "@halles/infra/cluster/Ports"
import { Effect, Schedule, Schema } from "effect"
import * as Inspector from "../Inspector.ts"
import { fixedWork } from "../Measure.ts"
import type { Measurement } from "../Measurement.ts"
import * as RunnerMetrics from "../RunnerMetrics.ts"
import { Stage } from "../Stage.ts"

const row = "resident"
const inFlight = 256
/** Carts before the first look, so that compiled code, pools and buffers are there in both looks. */
const before = 5_000
/** Not all of them are there: what was measured would be of fewer. */
class NotActive extends Schema.TaggedError<NotActive>()("NotActive", { wanted: Schema.Int, found: Schema.Int }) {
  override get message(): string {
    return `wanted ${this.wanted} active carts, found ${this.found}`
  }
}

/** An open cart with two lines at agreed prices: no product is asked, so that the runner holds nothing but carts. */
const makeFill = Effect.gen(function* () {
  const carts = yield* EntityClient.make(Cart)
  const line = (n: number, at: number) =>
    carts(`eu_${row}-${n}`).PutLine(
      new PutLine({
        commandId: CommandId.make(`line-${at}`),
        sku: SkuCode.make(`SKU-${(n + at) % 500}`),
        variant: "",
        quantity: 1,
        agreedPrice: 1_995
      })
    )
  return Effect.fnUntraced(function* (n: number) {
    const commandId = CommandId.make("open")
    yield* carts(`eu_${row}-${n}`).OpenCart(new OpenCart({ commandId, currency: "GBP", pricing: "agreed" }))
    yield* line(n, 0)
    yield* line(n, 1)
  })
})

/** Memory of a runner per idle cart: what it holds with so many more of them, garbage collected both times. */
export const resident: Measurement = {
  rows: [row],
  run: Effect.fnUntraced(function* ({ quick, report }) {
    const stage = yield* Stage
    const carts = quick ? 12_000 : 100_000
    const { portBase } = stage.parts.layout
    const inspector = runnerPort(portBase, 8)
    const metrics = runnerPort(portBase, 1)
    yield* stage.runner("eu-1", { nodeArgs: ["--expose-gc", `--inspect=127.0.0.1:${inspector}`] })
    /** Counted before: so long a pause may cost a large runner its shards, but only after the look. */
    const areThere = Effect.fnUntraced(function* (wanted: number) {
      const found = RunnerMetrics.sum(yield* RunnerMetrics.read(metrics), "halles_entity_active", { type: "Cart" })
      if (found !== wanted) return yield* new NotActive({ wanted, found })
    })
    const memoryOf = Effect.fnUntraced(function* (wanted: number) {
      yield* RunnerMetrics.caughtUp(metrics)
      // The runner tells the gauge every two seconds.
      yield* Effect.retry(areThere(wanted), { schedule: Schedule.spaced("500 millis"), times: 10 })
      return yield* Inspector.memory(inspector)
    })
    yield* Effect.gen(function* () {
      const fill = yield* makeFill
      yield* Effect.forEach(Array.from({ length: before }).keys(), fill, { concurrency: inFlight, discard: true })
      const first = yield* memoryOf(before)
      const figures = yield* fixedWork({
        row,
        setting: `${carts} open carts of two lines beside ${before} others, one runner; ops/s, latencies and CPU are of filling them, ${inFlight} carts in flight, three commands each`,
        inFlight,
        warmUp: 0,
        operations: carts,
        cpu: stage.cpu,
        operation: (n) => fill(before + n)
      })
      const last = yield* memoryOf(before + carts)
      yield* report(row, {
        ...figures,
        extra: {
          bytesPerEntity: (last.rss - first.rss) / carts,
          heapBytesPerEntity: (last.heapUsed - first.heapUsed) / carts,
          entities: carts,
          residentBytes: last.rss
        }
      })
    }).pipe(Effect.provide(stage.client))
  }, Effect.scoped)
}
