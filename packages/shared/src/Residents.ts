import {
  Cause,
  Clock,
  Context,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Option,
  Schema,
  Scope,
  Stream,
  Tracer
} from "effect"
import { Entity, type EntityAddress } from "effect/cluster"
import { type Rpc, RpcSchema } from "effect/rpc"
import { EntityCalls, type Figures, type TypeFigures } from "./EntityCalls.ts"
import * as Shard from "./Shard.ts"
import { Exporting } from "./Telemetry.ts"
import { EntityParked } from "./Parking.ts"
import { ActivationLost } from "./Residents/ActivationLost.ts"
import { nameOf, Supervision } from "./Residents/Supervision.ts"

/** What handlers of ours read of a request. */
interface Request {
  readonly tag: string
  readonly payload: unknown
}
type Handler = (request: Request) => Effect.Effect<unknown, unknown>
type Answered = (exit: Exit.Exit<unknown, unknown> | null) => void
interface Call {
  readonly tag: string
  /** `performance.now()` */
  readonly sinceMs: number
}

/** Of an entity: as its layer is made with. */
interface Options {
  readonly maxIdleTime: Duration.Input
  readonly mailboxCapacity: number
  /** Messages that wait on purpose, as long as their caller says. */
  readonly patient?: ReadonlyArray<string>
}

/**
 * How long an entity that leaves its runner may take to answer what it has begun. Who has no answer by then (a caller that
 * waits on purpose, a handler that hangs) is cut off and asks the next owner: the neighbours wait no longer for it.
 */
export const finishMs = 300

/** The entity died of this command again and again: its caller is told, and nobody tries it any more. */
class CommandDeadly extends Schema.TaggedError<CommandDeadly>()("CommandDeadly", { entity: Schema.String }) {}

/** Nothing but what the contract declares: a defect or an interrupt is for the entity manager to deal with. */
const isDeclared = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isSuccess(exit) || exit.cause.reasons.every(Cause.isFailReason)

/**
 * An entity in the memory of this process, whose handlers are called without the entity manager between: that costs a
 * mailbox, an RPC server, a span and a reply for each call, several times what a handler does. The manager goes on to
 * make, rebuild and passivate the entity, and answers whatever ends here in a defect or an interrupt: commands are known
 * by their ids and queries change nothing, so that a call may be handled twice.
 */
export class Resident {
  readonly address: EntityAddress.EntityAddress
  private readonly requests: ReadonlyMap<string, Rpc.Any>
  private handlers: Readonly<Record<string, Handler>>
  /** What the manager makes of a call that came its way. */
  private mode: "working" | "parked" | "resumed" = "working"
  private readonly supervision: Supervision["Service"]
  /** It died lately: a command that succeeds forgives that. */
  private struck: boolean
  /** A handler died where it was called: what it left behind is not to be gone on with. */
  private soiled = false
  private readonly services: Context.Context<never>
  private readonly clock: Clock.Clock
  /** Calls under way; as many again may be with the manager, and what is beyond hears `MailboxFull`. */
  private readonly callsMax: number
  private readonly calls = new Map<Fiber.Fiber<unknown, unknown>, Call>()
  /** Those that are with the manager. */
  private readonly managed = new Map<Fiber.Fiber<unknown, unknown>, Call>()
  private readonly patient: ReadonlySet<string>
  /** Only where spans are exported. */
  private readonly tracer: Tracer.Tracer | undefined
  private readonly figures: Figures
  private readonly type: TypeFigures
  private readonly shard: number
  /** In Unix milliseconds. */
  readonly since: number
  /** The manager takes an entity that it sends nothing for idle: now and then a call goes its way. */
  private readonly shownEveryMs: number
  private shownAt: number

  constructor(made: {
    readonly address: EntityAddress.EntityAddress
    readonly requests: ReadonlyMap<string, Rpc.Any>
    readonly handlers: Readonly<Record<string, Handler>>
    readonly services: Context.Context<never>
    readonly options: Options
    readonly supervision: Supervision["Service"]
  }) {
    this.figures = Context.get(made.services, EntityCalls)
    this.type = this.figures.type(made.address.entityType)
    this.shard = Shard.numberOf(made.address.shardId)
    this.address = made.address
    this.supervision = made.supervision
    this.struck = made.supervision.isStruck(made.address)
    this.requests = made.requests
    this.handlers = made.handlers
    this.services = made.services
    this.clock = Context.get(made.services, Clock.Clock)
    this.callsMax = made.options.mailboxCapacity
    this.patient = new Set(made.options.patient)
    this.tracer = Context.get(made.services, Exporting) ? Context.get(made.services, Tracer.Tracer) : undefined
    this.shownEveryMs = Duration.toMillis(Duration.fromInputUnsafe(made.options.maxIdleTime)) / 4
    this.shownAt = this.clock.currentTimeMillisUnsafe()
    this.since = this.shownAt
  }

  /** The contract of a message that may be called here; streams may not. */
  rpc(tag: string): Rpc.Any | undefined {
    const rpc = this.requests.get(tag)
    return rpc === undefined || isStream(rpc) ? undefined : rpc
  }

  /** False when the manager is to be asked; else `answered` is told once, with `null` when the manager is to be asked. */
  call(tag: string, payload: unknown, parent: Tracer.AnySpan | undefined, answered: Answered): boolean {
    const handler = this.handlers[tag]
    if (handler === undefined || this.calls.size >= this.callsMax) return false
    const now = this.clock.currentTimeMillisUnsafe()
    if (now - this.shownAt > this.shownEveryMs) {
      this.shownAt = now
      return false
    }
    const sinceMs = performance.now()
    this.figures.noteShard(this.shard)
    const span =
      this.tracer === undefined || parent?.sampled !== true ? undefined : this.begin(this.tracer, tag, parent)
    const settle = (exit: Exit.Exit<unknown, unknown>) => {
      span?.end(this.clock.currentTimeNanosUnsafe(), exit)
      if (isDeclared(exit)) {
        this.type.command(tag).note(performance.now() - sinceMs, exit)
        if (this.struck && Exit.isSuccess(exit)) this.struck = !this.supervision.forgive(this.address, payload)
        answered(exit)
      } else {
        if (Exit.isFailure(exit)) this.soiled ||= this.blame(exit.cause, payload)
        answered(null)
      }
    }
    const services =
      parent === undefined ? this.services : Context.add(this.services, Tracer.ParentSpan, span ?? parent)
    const fiber = Effect.runForkWith(services)(Effect.suspend(() => handler({ tag, payload })))
    const exit = fiber.pollUnsafe()
    if (exit === undefined) this.await(fiber, { tag, sinceMs }, settle)
    else settle(exit)
    return true
  }

  /** As the manager names its spans. */
  private begin(tracer: Tracer.Tracer, tag: string, parent: Tracer.AnySpan): Tracer.Span {
    const span = tracer.span({
      name: `${this.address.entityType}.${tag}`,
      parent: Option.some(parent),
      annotations: Context.empty(),
      links: [],
      startTime: this.clock.currentTimeNanosUnsafe(),
      kind: "server",
      root: false,
      sampled: true
    })
    span.attribute("entity.type", this.address.entityType)
    span.attribute("entity.id", this.address.entityId)
    return span
  }

  private await(
    fiber: Fiber.Fiber<unknown, unknown>,
    call: Call,
    settle: (exit: Exit.Exit<unknown, unknown>) => void
  ): void {
    this.calls.set(fiber, call)
    this.type.underWay += 1
    fiber.addObserver((exit) => {
      this.calls.delete(fiber)
      this.type.underWay -= 1
      settle(exit)
    })
  }

  /** Calls that have no answer yet, the oldest first. */
  underWay(): ReadonlyArray<{ readonly command: string; readonly ms: number }> {
    const now = performance.now()
    return [...this.calls.values()].map(({ sinceMs, tag }) => ({ command: tag, ms: now - sinceMs }))
  }

  /**
   * The handlers as the manager is given them. It tries a call again whenever the entity died of it, so that what is
   * parked, or is known to kill, must be answered here.
   */
  forManager(): Readonly<Record<string, Handler>> {
    // One for all messages: a runner holds many entities, and each of them a function for each message otherwise.
    const guarded: Handler = (request) => this.guard(request)
    const handlers: Record<string, Handler> = {}
    for (const [tag, rpc] of this.requests) {
      const handler = this.handlers[tag]
      if (handler !== undefined) handlers[tag] = isStream(rpc) ? this.guardStream(handler) : guarded
    }
    return handlers
  }

  private refusal() {
    return this.mode === "parked"
      ? Effect.fail(new EntityParked({ entity: nameOf(this.address) }))
      : Effect.die(new ActivationLost({ entity: nameOf(this.address), reason: this.mode }))
  }

  /** Says whether the entity is to blame for what a message ended in. */
  private blame(cause: Cause.Cause<unknown>, payload: unknown): boolean {
    if (!this.supervision.died(this.address, "command", cause, payload)) return false
    this.struck = true
    if (this.supervision.isParked(this.address)) this.park()
    return true
  }

  private guard(request: Request): Effect.Effect<unknown, unknown> {
    const { address, supervision } = this
    const { payload, tag } = request
    return Effect.withFiber((fiber) => {
      if (this.mode !== "working" || this.soiled) return this.refusal()
      if (this.struck && supervision.isDeadly(address, payload)) {
        return Effect.fail(new CommandDeadly({ entity: nameOf(address) }))
      }
      const sinceMs = performance.now()
      this.managed.set(fiber, { tag, sinceMs })
      this.figures.noteShard(this.shard)
      return this.handlers[tag]!(request).pipe(
        Effect.onExit((exit) => {
          this.managed.delete(fiber)
          this.type.command(tag).note(performance.now() - sinceMs, exit)
          if (Exit.isSuccess(exit)) {
            if (this.struck) this.struck = !supervision.forgive(address, payload)
          } else this.blame(exit.cause, payload)
          return Effect.void
        })
      )
    })
  }

  private guardStream(handler: Handler): Handler {
    return (request) =>
      this.mode === "parked"
        ? (Stream.fail(new EntityParked({ entity: nameOf(this.address) })) as unknown as ReturnType<Handler>)
        : handler(request)
  }

  /** From now on every call is refused. */
  park(): void {
    this.mode = "parked"
    const refuse: Handler = () => this.refusal()
    this.handlers = Object.fromEntries([...this.requests.keys()].map((tag) => [tag, refuse]))
  }

  /** The next call has the entity rebuilt from its journal. */
  resume(): void {
    this.mode = "resumed"
  }

  /** Calls that nobody can be waiting for any more if they are old, those with the manager among them. */
  *watched(): IterableIterator<readonly [Fiber.Fiber<unknown, unknown>, Call]> {
    for (const call of this.calls) if (!this.patient.has(call[1].tag)) yield call
    for (const call of this.managed) if (!this.patient.has(call[1].tag)) yield call
  }

  get isIdle(): boolean {
    return this.calls.size === 0 && this.managed.size === 0
  }

  /** The entity leaves: calls under way may end within the time, then they are cut off and the manager is asked. */
  leave(finishMs: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.calls.size === 0) return Effect.void
      const ended = Fiber.awaitAll(this.calls.keys())
      return Effect.andThen(
        finishMs === 0 ? Effect.void : Effect.timeoutOption(ended, finishMs),
        Effect.suspend(() => Fiber.interruptAll(this.calls.keys()))
      )
    })
  }
}

export const isStream = (rpc: Rpc.Any): boolean =>
  RpcSchema.isStreamSchema((rpc as unknown as Rpc.AnyWithProps).successSchema)

/** The entities in the memory of this process, a runner. */
export class Residents extends Context.Service<
  Residents,
  {
    readonly find: (entityType: string, entityId: string) => Resident | undefined
    readonly all: () => Iterable<Resident>
    readonly add: (resident: Resident) => void
    readonly count: (entityType: string) => number
    /** No call finds it any more; done when none is under way. */
    readonly remove: (resident: Resident) => Effect.Effect<void>
    readonly supervision: Supervision["Service"]
  }
>()("@halles/shared/Residents") {
  static readonly layer = Residents.layerWith({ finishMs })

  static layerWith(options: { readonly finishMs: number }): Layer.Layer<Residents> {
    return Layer.effect(
      Residents,
      Effect.map(Supervision, (supervision) => make(options, supervision))
    ).pipe(Layer.provide(Supervision.layer))
  }
}

const make = (options: { readonly finishMs: number }, supervision: Supervision["Service"]): Residents["Service"] => {
  const byType = new Map<string, Map<string, Resident>>()
  return {
    supervision,
    find: (entityType, entityId) => byType.get(entityType)?.get(entityId),
    count: (entityType) => byType.get(entityType)?.size ?? 0,
    *all() {
      for (const known of byType.values()) yield* known.values()
    },
    add: (resident) => {
      const { entityId, entityType } = resident.address
      const known = byType.get(entityType) ?? new Map<string, Resident>()
      byType.set(entityType, known.set(entityId, resident))
    },
    remove: (resident) =>
      Effect.suspend(() => {
        const { entityId, entityType } = resident.address
        const known = byType.get(entityType)
        if (known?.get(entityId) === resident) known.delete(entityId)
        return resident.leave(options.finishMs)
      })
  }
}

/** What a parked entity is made of: its handlers never run. */
const nothing: Readonly<Record<string, Handler>> = {}

/** `build` of `Entity.toLayer`, whose handlers are found by calls as long as the entity is there. */
export const residing =
  <Type extends string, Rpcs extends Rpc.Any>(entity: Entity.Entity<Type, Rpcs>, options: Options) =>
  <Handlers extends Entity.HandlersFrom<Rpcs>, R>(build: Effect.Effect<Handlers, never, R>) =>
    Effect.gen(function* () {
      const residents = yield* Effect.serviceOption(Residents)
      if (Option.isNone(residents)) return yield* build
      const { add, remove, supervision } = residents.value
      const address = yield* Entity.CurrentAddress
      const made = supervision.isParked(address)
        ? nothing
        : yield* build.pipe(
            Effect.map((handlers) => handlers as unknown as Readonly<Record<string, Handler>>),
            Effect.catchCause((cause) => {
              if (Cause.squash(cause) instanceof EntityParked) supervision.noteParked(address)
              else supervision.died(address, "activation", cause)
              return supervision.isParked(address) ? Effect.succeed(nothing) : Effect.failCause(cause)
            })
          )
      const scope = yield* Effect.scope
      const figures = yield* EntityCalls
      const type = figures.type(entity.type)
      const here = new Resident({
        address,
        requests: entity.protocol.requests,
        handlers: made,
        services: yield* Effect.context<never>(),
        options,
        supervision
      })
      if (made === nothing) here.park()
      type.activations += 1
      yield* Scope.addFinalizer(
        scope,
        Effect.suspend(() => {
          type.passivations += 1
          return remove(here)
        })
      )
      add(here)
      return here.forManager() as unknown as Handlers
    })
