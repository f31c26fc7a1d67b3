import * as Telemetry from "@halles/shared/clients/Telemetry"
import { Clock, Context, Effect, Exit, type Fiber, Option, Tracer } from "effect"
import { Journal } from "../journal/Journal.ts"

/** Tries of one step that have a span: one that is retried for days fills no trace. */
export const triesMax = 10
const step = "saga.step"

/** What the entities of a runner trace with; `tracer` is there only where spans are exported. */
export interface Tracing {
  readonly clock: Clock.Clock
  readonly journal: Journal["Service"]
  readonly tracer: Tracer.Tracer | undefined
}

export const tracing = Effect.gen(function* () {
  const isExporting = yield* Telemetry.Exporting
  const tracing: Tracing = {
    clock: yield* Clock.Clock,
    journal: yield* Journal,
    tracer: isExporting ? yield* Tracer.Tracer : undefined
  }
  return tracing
})

/** The span of what runs on a fiber. */
export const spanOf = (fiber: Fiber.Fiber<unknown, unknown> | undefined): Tracer.AnySpan | undefined =>
  fiber === undefined ? undefined : Context.getOrUndefined(fiber.context, Tracer.ParentSpan)

/** What was begun with a span has been committed. */
export const committed = ({ clock, tracer }: Tracing, span: Tracer.AnySpan | undefined, sinceMs: number): void => {
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

/**
 * The trace that an entity's saga belongs to: that of the command which somebody outside sent last. It is kept beside the
 * events, so that later steps, and who rebuilds the entity, go on with it. Only a trace that is sampled is carried on;
 * all others cost nothing.
 */
export class SagaTrace {
  private saga: Tracer.AnySpan | undefined
  private isLookedUp: boolean
  private key = ""
  private tries = 0
  private readonly tracing: Tracing
  private readonly type: string
  private readonly id: string

  constructor(tracing: Tracing, type: string, id: string) {
    this.tracing = tracing
    this.type = type
    this.id = id
    this.isLookedUp = tracing.tracer === undefined
  }

  /** A command is accepted as part of this span. */
  accepted(span: Tracer.AnySpan | undefined): void {
    if (span?.sampled === true && !(span._tag === "Span" && span.attributes.has(step))) this.saga = span
  }

  /** An entity that was rebuilt in the middle of its saga knows the trace by its journal. */
  private lookUp(): Effect.Effect<void> {
    this.isLookedUp = true
    return Effect.map(this.tracing.journal.traceOf(this.type, this.id), (found) => {
      if (found !== null) this.saga ??= Tracer.externalSpan({ ...found, sampled: true })
    })
  }

  /** Runs the sending of a pending step as part of the saga's trace. */
  traced<A, E>(stepKey: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend((): Effect.Effect<A, E> => {
      if (this.saga === undefined)
        return this.isLookedUp ? effect : Effect.andThen(this.lookUp(), this.traced(stepKey, effect))
      this.tries = stepKey === this.key ? this.tries + 1 : 1
      this.key = stepKey
      if (this.tries > triesMax) return effect
      if (this.tracing.tracer === undefined) return Effect.provideService(effect, Tracer.ParentSpan, this.saga)
      const options = { parent: this.saga, kind: "client", attributes: { [step]: stepKey } } as const
      return Effect.withSpan(effect, `${this.type}.next`, options) as Effect.Effect<A, E>
    })
  }
}
