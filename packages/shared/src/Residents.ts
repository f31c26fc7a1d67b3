import { Cause, Clock, Context, Duration, Effect, Exit, Fiber, Layer, Option, Scope, Tracer } from "effect"
import { Entity, type EntityAddress } from "effect/cluster"
import { type Rpc, RpcSchema } from "effect/rpc"
import { EntityCalls, type Figures, type TypeFigures } from "./EntityCalls.ts"
import * as Shard from "./Shard.ts"

/** What a handler of ours reads of a request. */
type Handler = (request: { readonly payload: unknown }) => Effect.Effect<unknown, unknown>
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
}

/**
 * How long an entity that leaves its runner may take to answer what it has begun. Who has no answer by then (a caller that
 * waits on purpose, a handler that hangs) is cut off and asks the next owner: the neighbours wait no longer for it.
 */
export const finishMs = 300

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
  private readonly handlers: Readonly<Record<string, Handler>>
  private readonly services: Context.Context<never>
  private readonly clock: Clock.Clock
  /** Calls under way; as many again may be with the manager, and what is beyond hears `MailboxFull`. */
  private readonly callsMax: number
  private readonly calls = new Map<Fiber.Fiber<unknown, unknown>, Call>()
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
  }) {
    this.figures = Context.get(made.services, EntityCalls)
    this.type = this.figures.type(made.address.entityType)
    this.shard = Shard.numberOf(made.address.shardId)
    this.address = made.address
    this.requests = made.requests
    this.handlers = made.handlers
    this.services = made.services
    this.clock = Context.get(made.services, Clock.Clock)
    this.callsMax = made.options.mailboxCapacity
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
    const settle = (exit: Exit.Exit<unknown, unknown>) => {
      if (!isDeclared(exit)) return answered(null)
      this.type.command(tag).note(performance.now() - sinceMs, exit)
      answered(exit)
    }
    const services = parent === undefined ? this.services : Context.add(this.services, Tracer.ParentSpan, parent)
    const fiber = Effect.runForkWith(services)(Effect.suspend(() => handler({ payload })))
    const exit = fiber.pollUnsafe()
    if (exit === undefined) this.await(fiber, { tag, sinceMs }, settle)
    else settle(exit)
    return true
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
    readonly add: (resident: Resident) => void
    readonly count: (entityType: string) => number
    /** No call finds it any more; done when none is under way. */
    readonly remove: (resident: Resident) => Effect.Effect<void>
  }
>()("@halles/shared/Residents") {
  static readonly layer = Residents.layerWith({ finishMs })

  static layerWith(options: { readonly finishMs: number }): Layer.Layer<Residents> {
    return Layer.sync(Residents, () => make(options))
  }
}

const make = (options: { readonly finishMs: number }): Residents["Service"] => {
  const byType = new Map<string, Map<string, Resident>>()
  return {
    find: (entityType, entityId) => byType.get(entityType)?.get(entityId),
    count: (entityType) => byType.get(entityType)?.size ?? 0,
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

/** `build` of `Entity.toLayer`, whose handlers are found by calls as long as the entity is there. */
export const residing =
  <Type extends string, Rpcs extends Rpc.Any>(entity: Entity.Entity<Type, Rpcs>, options: Options) =>
  <Handlers extends Entity.HandlersFrom<Rpcs>, R>(build: Effect.Effect<Handlers, never, R>) =>
    Effect.gen(function* () {
      const made = yield* build
      const residents = yield* Effect.serviceOption(Residents)
      if (Option.isNone(residents)) return made
      const scope = yield* Effect.scope
      const figures = yield* EntityCalls
      const type = figures.type(entity.type)
      const here = new Resident({
        address: yield* Entity.CurrentAddress,
        requests: entity.protocol.requests,
        handlers: made as unknown as Readonly<Record<string, Handler>>,
        services: yield* Effect.context<never>(),
        options
      })
      type.activations += 1
      yield* Scope.addFinalizer(
        scope,
        Effect.andThen(
          Effect.sync(() => {
            type.passivations += 1
          }),
          residents.value.remove(here)
        )
      )
      residents.value.add(here)
      return made
    })
