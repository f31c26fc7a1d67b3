import { Nats } from "@halles/shared/clients/Nats"
import { Clock, Context, Effect, Layer, Metric, Option, Schema } from "effect"
import { randomUUID } from "node:crypto"

/** At a time; what ends first makes place. */
export const activeMax = 20
export const secondsMax = 3_600
/** Less than a client's patience: a fault is to look like a slow day, not to fill the edge with requests that wait. */
export const latencyMsMax = 10_000
/** Every edge hears of a fault that is told to one. An edge that starts later does not: faults are short. */
const subject = "halles.edge.faults"

/** `route:` with the name of an endpoint, or what the edge depends on, by its name in `halles_breaker_state`. */
export const Target = Schema.String.check(
  Schema.isPattern(/^(route:[a-zA-Z]{1,40}|(entities|database):(eu|am|ap)|redis)$/u)
)
export const Kind = Schema.Literals(["latency", "error", "drop"])
export const Reason = Schema.String.check(Schema.isPattern(/^[^\0]{3,500}$/u))

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** What somebody wants to go wrong. */
export const Wanted = Schema.Struct({
  target: Target,
  /** `latency` delays, `error` fails at once, `drop` gives no answer at all. */
  kind: Kind,
  latencyMs: Schema.optionalKey(between(1, latencyMsMax)),
  /** Of the requests or calls. */
  percent: between(1, 100),
  seconds: between(1, secondsMax),
  reason: Reason
})
export type Wanted = typeof Wanted.Type

export const Fault = Schema.Struct({
  id: Schema.String.check(Schema.isPattern(/^flt_[0-9a-f]{12}$/u)),
  target: Target,
  kind: Kind,
  latencyMs: Schema.Int,
  percent: Schema.Int,
  reason: Reason,
  startedBy: Schema.String,
  /** Unix milliseconds. */
  startedAt: Schema.Int,
  endsAt: Schema.Int
})
export type Fault = typeof Fault.Type

const News = Schema.fromJsonString(
  Schema.Union([Schema.Struct({ started: Fault }), Schema.Struct({ ended: Fault.fields.id })])
)
const decode = Schema.decodeUnknownOption(News)
const encode = Schema.encodeSync(News)

const injected = Metric.counter("halles_faults_injected_total", {
  description: "Requests and calls that were made to go wrong on purpose, by target and kind.",
  incremental: true
})

/** A call that was made to fail on purpose: a failure like any other to who called. */
class Injected extends Error {}

/** What operators make go wrong on purpose, to see what follows: off unless told, always with an end. */
export class Faults extends Context.Service<
  Faults,
  {
    readonly list: Effect.Effect<ReadonlyArray<Fault>>
    /** From now on at every edge. */
    readonly start: (wanted: Wanted, by: string) => Effect.Effect<Fault>
    readonly end: (id: string) => Effect.Effect<Option.Option<Fault>>
    /** What is to go wrong this time, if anything. */
    readonly draw: (target: string) => Fault | undefined
    /** A call to something that the edge depends on; `failure` is what it says when it is to fail. */
    readonly around: <A, E, R>(
      target: string,
      call: Effect.Effect<A, E, R>,
      failure: (cause: Error) => E
    ) => Effect.Effect<A, E, R>
  }
>()("@halles/http/Faults") {
  static readonly layer = Layer.effect(
    Faults,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const nats = yield* Nats
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const now = () => clock.currentTimeMillisUnsafe()
  let active: ReadonlyArray<Fault> = []

  const begin = (fault: Fault) => {
    const others = active.filter(({ id }) => id !== fault.id).toSorted((a, b) => b.endsAt - a.endsAt)
    active = [...others.slice(0, activeMax - 1), fault]
  }
  const stop = (ended: string) => {
    active = active.filter(({ id }) => id !== ended)
  }
  const current = (): ReadonlyArray<Fault> => {
    if (active.some(({ endsAt }) => endsAt <= now())) active = active.filter(({ endsAt }) => endsAt > now())
    return active
  }
  const subscription = nats.subscribe(subject, {
    callback: (_, message) => {
      const news = Option.getOrUndefined(decode(message.string()))
      if (news === undefined) return
      if ("started" in news) begin(news.started)
      else stop(news.ended)
    }
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => subscription.unsubscribe()))
  const tell = (news: typeof News.Type) => Effect.sync(() => nats.publish(subject, encode(news)))

  const draw = (target: string): Fault | undefined => {
    if (active.length === 0) return undefined
    const found = current().find((fault) => fault.target === target && Math.random() * 100 < fault.percent)
    if (found !== undefined) Metric.withAttributes(injected, { target, kind: found.kind }).updateUnsafe(1, context)
    return found
  }
  return Faults.of({
    list: Effect.sync(current),
    start: ({ latencyMs = 1_000, seconds, ...wanted }, startedBy) =>
      Effect.suspend(() => {
        const id = `flt_${randomUUID().replaceAll("-", "").slice(0, 12)}`
        const fault = { ...wanted, id, latencyMs, startedBy, startedAt: now(), endsAt: now() + seconds * 1_000 }
        begin(fault)
        return Effect.as(tell({ started: fault }), fault)
      }),
    end: (id) =>
      Effect.suspend((): Effect.Effect<Option.Option<Fault>> => {
        const found = Option.fromUndefinedOr(current().find((fault) => fault.id === id))
        if (Option.isNone(found)) return Effect.succeed(found)
        stop(id)
        return Effect.as(tell({ ended: id }), found)
      }),
    draw,
    around: (target, call, failure) =>
      Effect.suspend(() => {
        const fault = draw(target)
        switch (fault?.kind) {
          case undefined:
            return call
          case "latency":
            return Effect.delay(call, fault.latencyMs)
          case "error":
            return Effect.fail(failure(new Injected(`${target} was made to fail by ${fault.id}`)))
          case "drop":
            return Effect.never
        }
      })
  })
})
