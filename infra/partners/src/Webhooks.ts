import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { Clock, Context, Effect, Latch, Layer, Queue, type Redacted, Schedule } from "effect"
import { HttpBody, HttpClient, HttpClientRequest } from "effect/http"

/** Requests to the merchant at the same time. */
const inFlightMax = 32
/** 0.1, 0.2, 0.4 … 30 s apart: about five minutes in all. */
const attemptsMax = 17
const pauseMsMin = 100
const pauseMsMax = 30_000
/** What a worker rests after a failed attempt, so that a merchant who is down costs us next to nothing. */
const restMs = 50
const sweepMs = 25
const answerMsMax = 5_000

/** One event on its way to the merchant. What waits here is unsettled in the ledger, so its number has the ledger's bound. */
export interface Delivery {
  readonly eventId: string
  /** JSON; asked for at every attempt instead of being kept. */
  readonly body: () => string
  /** Milliseconds since 1970. */
  readonly notBefore: number
  /** 2 for a partner that repeats itself. */
  readonly copies: number
  /** Called once: true when the merchant answered 2xx, false when the attempts are used up. */
  readonly settled: (delivered: boolean) => void
}

interface Waiting {
  readonly delivery: Delivery
  readonly attempts: number
  readonly dueAt: number
}

/** Sends signed webhooks to the merchant, at least once each and in no certain order. */
export class Webhooks extends Context.Service<Webhooks, { readonly send: (delivery: Delivery) => void }>()(
  "@halles/partners/Webhooks"
) {
  static readonly layer = (options: { readonly url: URL; readonly secret: Redacted.Redacted }) =>
    Layer.effect(Webhooks, make(options))
}

const make = Effect.fnUntraced(function* (options: { readonly url: URL; readonly secret: Redacted.Redacted }) {
  const client = yield* HttpClient.HttpClient
  const signature = WebhookSignature.make([options.secret])
  const ready = yield* Queue.unbounded<Waiting>()
  const waiting = new Set<Waiting>()
  /** Open while a delivery waits for its time. */
  const hasWaiting = Latch.makeUnsafe(false)
  const wait = (one: Waiting) => {
    waiting.add(one)
    hasWaiting.openUnsafe()
  }

  const attempt = Effect.fnUntraced(
    function* (delivery: Delivery) {
      const body = delivery.body()
      const at = new Date(yield* Clock.currentTimeMillis)
      const response = yield* client.execute(
        HttpClientRequest.post(options.url, {
          headers: { ...signature.sign({ id: delivery.eventId, at, body }) },
          body: HttpBody.text(body, "application/json")
        })
      )
      yield* response.text
      return response.status >= 200 && response.status < 300
    },
    Effect.timeout(answerMsMax),
    Effect.orElseSucceed(() => false)
  )
  const deliver = Effect.fnUntraced(function* ({ attempts, delivery }: Waiting) {
    let delivered = yield* attempt(delivery)
    for (let copy = 1; delivered && copy < delivery.copies; copy++) delivered = yield* attempt(delivery)
    if (delivered || attempts + 1 >= attemptsMax) return delivery.settled(delivered)
    const pauseMs = Math.min(pauseMsMin * 2 ** attempts, pauseMsMax)
    wait({ delivery, attempts: attempts + 1, dueAt: (yield* Clock.currentTimeMillis) + pauseMs })
    yield* Effect.sleep(restMs)
  })
  const sweep = Effect.gen(function* () {
    yield* hasWaiting.await
    const now = yield* Clock.currentTimeMillis
    for (const one of waiting) {
      if (one.dueAt > now) continue
      waiting.delete(one)
      Queue.offerUnsafe(ready, one)
    }
    if (waiting.size === 0) hasWaiting.closeUnsafe()
  })
  const worker = Effect.forever(Effect.flatMap(Queue.take(ready), deliver))
  for (let index = 0; index < inFlightMax; index++) yield* Effect.forkScoped(worker)
  yield* Effect.forkScoped(Effect.repeat(sweep, Schedule.spaced(sweepMs)))
  const clock = yield* Clock.Clock
  return Webhooks.of({
    send: (delivery) => {
      const one = { delivery, attempts: 0, dueAt: delivery.notBefore }
      if (one.dueAt <= clock.currentTimeMillisUnsafe()) Queue.offerUnsafe(ready, one)
      else wait(one)
    }
  })
})
