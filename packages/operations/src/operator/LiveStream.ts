import { Effect, Option, Redacted, Stream } from "effect"
import { Sse } from "effect/encoding"
import { HttpClient, HttpClientRequest } from "effect/http"
import { callOperator, NotDone, OperatorUrl } from "./Operator.ts"
import { token } from "./Tokens.ts"

/**
 * Hands on what the operator process tells, in order, until its stream ends or breaks; run once more it goes on where it was.
 * `tail` asks for events too: a type, several with commas, `*`, or one entity as `Order:eu_x`.
 */
export const listener = <E, R>(tail: Option.Option<string>, take: (event: Sse.Event) => Effect.Effect<void, E, R>) => {
  let lastEventId = ""
  return Effect.gen(function* () {
    const url = new URL("/v1/ops/live", yield* OperatorUrl)
    if (Option.isSome(tail)) url.searchParams.set("tail", tail.value)
    const client = yield* HttpClient.HttpClient
    const request = HttpClientRequest.get(url).pipe(
      HttpClientRequest.bearerToken(Redacted.value(yield* token)),
      lastEventId === "" ? (same) => same : HttpClientRequest.setHeader("last-event-id", lastEventId)
    )
    const response = yield* callOperator(client.execute(request))
    if (response.status !== 200) {
      return yield* new NotDone({
        reason: `the operator process refused with ${response.status}`,
        exitCode: response.status === 401 || response.status === 403 ? 4 : 6
      })
    }
    const heard: Array<Sse.Event> = []
    const parser = Sse.makeParser((event) => {
      if (event._tag === "Event") heard.push(event)
    })
    yield* response.stream.pipe(
      Stream.decodeText(),
      // A stream that breaks is taken up again.
      Stream.catch(() => Stream.empty),
      Stream.runForEach((text) => {
        parser.feed(text)
        return Effect.forEach(
          heard.splice(0),
          (event) => {
            if (event.id !== undefined && event.id !== "") lastEventId = event.id
            return take(event)
          },
          { discard: true }
        )
      })
    )
  })
}
