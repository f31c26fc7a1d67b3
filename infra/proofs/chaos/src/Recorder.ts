import { Context, Effect, Layer } from "effect"
import type { Answer, Call } from "./Call.ts"
import { Direct } from "./Direct.ts"
import { Edge } from "./Edge.ts"
import * as EdgeForm from "./EdgeForm.ts"
import type { PlannedCall } from "./PlannedCall.ts"

/** Calls that are remembered; a run that makes more of them ends. */
const callsMax = 1_000_000

/** Makes calls and writes down what came of them. Times are of one monotonic clock. */
export class Recorder extends Context.Service<
  Recorder,
  {
    readonly calls: ReadonlyArray<Call>
    readonly call: (
      session: string,
      via: "edge" | "direct",
      planned: PlannedCall,
      options?: {
        readonly intendedAt?: number
        /** The client gives up after this; how the call ends then is not known. */
        readonly withinMs?: number
      }
    ) => Effect.Effect<Answer>
  }
>()("@halles/chaos/Recorder") {
  static readonly layer = Layer.effect(
    Recorder,
    Effect.gen(function* () {
      const direct = yield* Direct
      const edge = yield* Edge
      const calls: Array<Call> = []
      return Recorder.of({
        calls,
        call: (session, wanted, planned, options = {}) =>
          Effect.gen(function* () {
            if (calls.length >= callsMax) return yield* Effect.die(`more than ${callsMax} calls`)
            const { command, id, request, type, writes } = planned
            const via = request === null ? "direct" : wanted
            const { withinMs } = options
            const bounded = request === null || withinMs === undefined ? request : { ...request, withinMs }
            const invokedAt = performance.now()
            const record = (answer: Answer) => {
              const times = { intendedAt: options.intendedAt ?? invokedAt, invokedAt, completedAt: performance.now() }
              const base = { session, via, type, id, ...times } as const
              if (command?._tag === "CheckOut" && via === "edge" && answer._tag === "Replied") {
                // The edge shows the order that the checkout led to: done for the cart, and a read of the order.
                calls.push({ ...base, command, writes, answer: { _tag: "Done" } })
                const order = EdgeForm.orderIdOf(answer.reply)
                if (order !== null)
                  calls.push({ ...base, type: "Order", id: order, command: null, writes: false, answer })
              } else calls.push({ ...base, command, writes, answer })
            }
            const asking =
              bounded !== null && via === "edge" ? edge.call(bounded) : direct.call(type, id, command, withinMs)
            const answer = yield* Effect.onInterrupt(asking, () =>
              Effect.sync(() => record({ _tag: "Unknown", reason: "interrupted" }))
            )
            record(answer)
            return answer
          })
      })
    })
  )
}
