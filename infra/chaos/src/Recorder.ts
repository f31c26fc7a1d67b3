import { Context, Effect, Layer } from "effect"
import type { Answer, Call } from "./Call.ts"
import { Direct } from "./Direct.ts"
import { Edge } from "./Edge.ts"
import type { Intent } from "./Intent.ts"

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
      intent: Intent,
      intendedAt?: number
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
        call: (session, wanted, intent, intendedAt) =>
          Effect.gen(function* () {
            if (calls.length >= callsMax) return yield* Effect.die(`more than ${callsMax} calls`)
            const { command, id, request, type, writes } = intent
            const via = request === null ? "direct" : wanted
            const invokedAt = performance.now()
            const answer = yield* request !== null && via === "edge"
              ? edge.call(request)
              : direct.call(type, id, command)
            const completedAt = performance.now()
            const base = { session, via, intendedAt: intendedAt ?? invokedAt, invokedAt, completedAt } as const
            if (command?._tag === "CheckOut" && via === "edge" && answer._tag === "Shown") {
              // The edge shows the order that the checkout led to: done for the cart, and a read of the order.
              calls.push({ ...base, type, id, command, writes, answer: { _tag: "Done" } })
              calls.push({ ...base, type: "Order", id, command: null, writes: false, answer })
            } else calls.push({ ...base, type, id, command, writes, answer })
            return answer
          })
      })
    })
  )
}
