import * as Telemetry from "@halles/shared/Telemetry"
import { Clock, Context, Effect, Exit, type Fiber, Option, Tracer } from "effect"
import type { Journal } from "../Journal.ts"

/** Tries of one step that have a span: one that is retried for days fills no trace. */
const triesMax = 10
const step = "saga.step"

/**
 * The trace that an entity's saga belongs to: that of the command which somebody outside sent last. It is kept beside the
 * events, so that later steps, and who rebuilds the entity, go on with it. Only a trace that is sampled is carried on;
 * all others cost nothing.
 */
export const make = Effect.fnUntraced(function* (journal: Journal["Service"], type: string, id: string) {
  const clock = yield* Clock.Clock
  const isExporting = yield* Telemetry.Exporting
  const tracer = isExporting ? yield* Tracer.Tracer : undefined
  let saga: Tracer.AnySpan | undefined
  let isLookedUp = !isExporting
  let key = ""
  let tries = 0

  /** The span of what is being accepted. */
  const of = (fiber: Fiber.Fiber<unknown, unknown> | undefined): Tracer.AnySpan | undefined => {
    const span = fiber === undefined ? undefined : Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
    if (span?.sampled === true && !(span._tag === "Span" && span.attributes.has(step))) saga = span
    return span
  }

  const committed = (span: Tracer.AnySpan | undefined, sinceMs: number): void => {
    if (tracer === undefined || span?.sampled !== true) return
    const commit = tracer.span({
      name: "journal.commit",
      parent: Option.some(span),
      annotations: Context.empty(),
      links: [],
      startTime: BigInt(sinceMs) * 1_000_000n,
      kind: "client",
      root: false,
      sampled: true
    })
    commit.attribute("db.system.name", "postgresql")
    commit.end(clock.currentTimeNanosUnsafe(), Exit.void)
  }

  /** An entity that was rebuilt in the middle of its saga knows the trace by its journal. */
  const lookUp = Effect.suspend(() => {
    isLookedUp = true
    return Effect.map(journal.traceOf(type, id), (found) => {
      if (found !== null) saga ??= Tracer.externalSpan({ ...found, sampled: true })
    })
  })

  /** What is done about what is owed, as part of the trace. */
  const traced = <A, E, R>(owed: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      if (saga === undefined) return isLookedUp ? effect : Effect.andThen(lookUp, traced(owed, effect))
      tries = owed === key ? tries + 1 : 1
      key = owed
      if (tries > triesMax) return effect
      if (!isExporting) return Effect.provideService(effect, Tracer.ParentSpan, saga)
      return Effect.withSpan(effect, `${type}.next`, { parent: saga, kind: "client", attributes: { [step]: owed } })
    }) as Effect.Effect<A, E, R>

  return { of, committed, traced }
})
