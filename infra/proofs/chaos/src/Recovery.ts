import { keyOf } from "@halles/harness/Books"
import { OrderId, skuId, SkuId } from "@halles/shared/Ids"
import { regions } from "@halles/shared/Region"
import { Effect } from "effect"
import type { Call } from "./Call.ts"
import * as Catalogue from "./Catalogue.ts"
import * as PlannedCall from "./PlannedCall.ts"
import * as Plan from "./Plan.ts"
import { Recorder } from "./Recorder.ts"
import type { World } from "./World.ts"

/** Keys that are asked at a time: many, since those that wait for their turn behind others would be taken for slow. */
const keysAtOnce = 256
/** A key that does not answer for so long is given up. */
const patienceMs = 30_000
const everyMs = 50
/** Of one question: one that was sent while the system was not well may never be answered, and hides that it is. */
const withinMs = 1_000

const session = "recovery"

/** Until the call has an answer, whatever it says; the milliseconds since `since`, or `null` when it never came. */
const answered = Effect.fnUntraced(function* (planned: PlannedCall.PlannedCall, via: "edge" | "direct", since: number) {
  const { call } = yield* Recorder
  while (performance.now() - since < patienceMs) {
    const answer = yield* call(session, via, planned, { withinMs })
    if (answer._tag !== "Unknown") return performance.now() - since
    yield* Effect.sleep(everyMs)
  }
  return null
})

/** What shows that a key is at work: a write where one does no harm, else a read. */
const probe = ({ id, type }: Pick<Call, "type" | "id">, index: number): PlannedCall.PlannedCall => {
  switch (type) {
    case "Cart":
      return PlannedCall.addLine(id, Catalogue.articles[5]!, `recovery-${index}`, 1)
    case "Order":
      return PlannedCall.viewOrder(id)
    case "Sku":
      return PlannedCall.receive(SkuId.make(id), `recovery-${index}`, 1)
    default:
      return PlannedCall.view(type, id)
  }
}

export interface Recovered {
  /** Until the last key had answered; `null` when one never did. */
  readonly worstMs: number | null
  readonly silent: ReadonlyArray<string>
  readonly keys: number
  /** The key that took longest. */
  readonly slowest: string
}

/** Asks every key that was ever called, through the edge and directly, until it answers. `since` is when the last fault was over. */
export const everyKeyAnswers = Effect.fn("Recovery.everyKeyAnswers")(function* (since: number) {
  const { calls } = yield* Recorder
  const keys = [...new Map(calls.map((call) => [keyOf(call), call])).values()]
  const times = yield* Effect.forEach(
    keys,
    (key, index) =>
      Effect.map(answered(probe(key, index), index % 2 === 0 ? "direct" : "edge", since), (ms) => ({
        key: keyOf(key),
        ms
      })),
    { concurrency: keysAtOnce }
  )
  const silent = times.filter(({ ms }) => ms === null).map(({ key }) => key)
  const slowest = times.toSorted((a, b) => (b.ms ?? Infinity) - (a.ms ?? Infinity))[0]
  const recovered: Recovered = {
    worstMs: silent.length > 0 ? null : Math.round(slowest?.ms ?? 0),
    silent,
    keys: keys.length,
    slowest: slowest?.key ?? ""
  }
  return recovered
})

/** Short holds, to see that they expire in time once all is well again (I9). */
const shortTtlMs = 700

/** Gives back what the sessions hold for orders of their own invention, and lets some holds expire. */
export const tidyUp = Effect.fn("Recovery.tidyUp")(function* (world: World, seed: string) {
  const since = performance.now()
  const holds = [...world.everyHold.values()]
  yield* Effect.forEach(
    holds,
    ({ orderId, sku }, index) => answered(PlannedCall.release(sku, orderId, `tidy-${index}`), "direct", since),
    { concurrency: keysAtOnce, discard: true }
  )
  yield* Effect.forEach(
    regions,
    (region) => {
      const orderId = OrderId.make(`${region}_short-${seed}`)
      const sku = skuId(region, Catalogue.articles[5]!.sku)
      return answered(PlannedCall.hold(sku, orderId, "short", 1, shortTtlMs), "direct", since)
    },
    { discard: true }
  )
  yield* Effect.sleep(shortTtlMs + 1_200)
})

/** What an order is when its saga has come to an end for now. */
const ended = new Set(["delivered", "cancelled", "partially_returned", "returned"])
const sagasMs = 45_000

/** Waits until every order is delivered or cancelled and has no return under way; the ids of those that are not. */
export const sagasEnd = Effect.fn("Recovery.sagasEnd")(function* () {
  const { call, calls } = yield* Recorder
  const since = performance.now()
  let open = [...new Set(calls.filter(({ type }) => type === "Order").map(({ id }) => id))]
  while (open.length > 0 && performance.now() - since < sagasMs) {
    const states = yield* Effect.forEach(
      open,
      (id) => Effect.map(call(session, "direct", PlannedCall.viewOrder(id)), (answer) => ({ id, answer })),
      { concurrency: Plan.slots.length }
    )
    open = states.filter(({ answer }) => !isOver(answer)).map(({ id }) => id)
    if (open.length > 0) yield* Effect.sleep("250 millis")
  }
  return open
})

const isOver = (answer: Call["answer"]): boolean => {
  if (answer._tag === "Refused") return true
  if (answer._tag !== "Replied") return false
  const { returns, status } = answer.reply as { status: string; returns: ReadonlyArray<{ status: string }> }
  return ended.has(status) && returns.every((one) => ["requested", "refused", "refunded"].includes(one.status))
}
