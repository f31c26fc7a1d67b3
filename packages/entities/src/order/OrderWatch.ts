import { named } from "@halles/shared/wire/Named"
import { OrderId } from "@halles/shared/Ids"
import { ofOrder, looks, shopper } from "@halles/shared/wire/AccessRule"
import { WholeNumber } from "@halles/shared/wire/WholeNumber"
import { Cause, Data, Effect, Schedule, Schema, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api"
import { Edge } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { Order, Status, Step } from "./Order.ts"

export const StepEvent = Schema.Struct({ ...Step.fields, status: Status }).pipe(
  named("StepEvent", {
    seq: 5,
    step: "confirmed",
    at: 1_793_613_600_180,
    detail: null,
    status: "confirmed"
  })
)

/** So that neither side of a quiet stream takes the other for dead. */
const heartbeatEvery = "15 seconds"
const heartbeat = ": still here\n\n"
/** Headers leave at once. It names no time for clients to come back after: Effect's client takes that for the end of the stream. */
const preamble = ": steps follow\n\n"

const frame = (event: typeof StepEvent.Encoded): string => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`

/** A watch that was cut off is taken up again at the shard's next owner; it gives up after half a minute without a step. */
const untilBack = Schedule.spaced("250 millis").pipe(Schedule.upTo({ times: 120 }))
class CutOff extends Data.TaggedError("CutOff") {}

/**
 * All steps after one, though the order moves from runner to runner meanwhile: when a shard is handed over its streams are
 * cut off, and the next owner is asked for what comes after the last step that was seen.
 */
export const resumed = <E>(
  watch: (afterSeq: number) => Stream.Stream<typeof StepEvent.Encoded, E>,
  afterSeq: number
): Stream.Stream<typeof StepEvent.Encoded, E | CutOff> => {
  let seen = afterSeq
  return Stream.suspend(() => watch(seen)).pipe(
    // When a runner dies the cluster's client asks the next one by itself, for what was asked at first.
    Stream.filter(({ seq }) => {
      if (seq <= seen) return false
      seen = seq
      return true
    }),
    // What the runner does when it gives a shard up; an interrupt of the client's own request passes by here.
    Stream.catchCauseIf(Cause.hasInterruptsOnly, () => Stream.fail(new CutOff())),
    Stream.retry(untilBack)
  )
}

/** One that cannot be taken up again ends the answer: the client resumes it after the last id it has seen. */
const eventStream = <E>(steps: Stream.Stream<typeof StepEvent.Encoded, E>) =>
  Stream.merge(
    steps.pipe(
      Stream.map(frame),
      Stream.catchCause((cause) => Stream.fromEffectDrain(Effect.logWarning("Order.Watch ended early", cause)))
    ),
    Stream.map(Stream.drop(Stream.tick(heartbeatEvery), 1), () => heartbeat),
    { haltStrategy: "left" }
  ).pipe((frames) => Stream.concat(Stream.succeed(preamble), frames), Stream.encodeText)

/** The `seq` of the last step that the client has seen. */
const LastEventId = WholeNumber({ minimum: 0, blank: true })

export const watchOrder = Routes.custom(
  HttpApiEndpoint.get("watchOrder", "/orders/:id/events", {
    params: { id: OrderId },
    headers: { "last-event-id": Schema.optionalKey(LastEventId) },
    success: [HttpApiSchema.StreamSse({ data: StepEvent }), HttpApiSchema.NoContent],
    error: Routes.refusals(Order, "View")
  }),
  {
    access: { ...ofOrder, ...looks, scopes: ["orders:read"], roles: { ...shopper, warehouse: "any" } },
    traffic: { priority: "checkout", cost: 5 },
    summary: "The history, then each new step; resumes after Last-Event-ID, 204 once nothing can follow",
    about:
      "Server-sent events: each step of the history, then each new one as it happens, with its `seq` as id. Reconnect with `Last-Event-ID` to go on where the stream broke off. A comment comes every 15 seconds while nothing happens."
  },
  Effect.gen(function* () {
    const edge = yield* Edge
    const order = yield* edge.entity(Order)
    return Effect.fnUntraced(function* ({ headers, params }) {
      const { steps } = yield* edge.call(order(params.id).View())
      const seen = headers["last-event-id"] ?? 0
      const last = steps.at(-1)?.seq ?? 0
      // Browsers come back to a stream that ends, for ever, unless they are told that there is nothing more.
      if (seen === last && (yield* edge.call(order(params.id).IsOver())))
        return HttpServerResponse.empty({ status: 204, headers: { "cache-control": "no-store" } })
      return HttpServerResponse.stream(
        eventStream(
          resumed(
            (afterSeq) => Stream.map(order(params.id).Watch({ afterSeq }), ({ status, step }) => ({ ...step, status })),
            // An id that was never given out tells nothing of what was seen.
            seen > last ? 0 : seen
          )
        ),
        { contentType: "text/event-stream", headers: { "cache-control": "no-store", "x-accel-buffering": "no" } }
      )
    })
  })
)
