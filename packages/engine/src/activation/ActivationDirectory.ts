import { Clock, Context, Duration, Effect, Exit, Layer, Queue, Schedule, Stream, Tracer } from "effect"
import {
  ClusterError,
  Entity,
  EntityAddress,
  EntityId,
  EntityType,
  RunnerStorage,
  type ShardId,
  type Sharding
} from "effect/cluster"
import { type Rpc, RpcSchema } from "effect/rpc"
import { EntityCalls } from "./EntityCalls.ts"
import { type Actor, type Answer, Call } from "./Call.ts"
import { type Host, Activation, type Type } from "./Activation.ts"
import { Supervision } from "./Supervision.ts"
import type { JointCommit } from "../eventsourced/JointCommit.ts"
import { Exporting } from "@halles/shared/clients/Telemetry"

/**
 * How long an entity that leaves its runner may take to answer what it has begun. Who has no answer by then (a caller that
 * waits on purpose, a handler that hangs) is cut off and asks the next owner: the neighbours wait no longer for it.
 */
export const finishMs = 300
/** Entities in memory; the next one is refused with `MailboxFull` until an idle one leaves. */
export const activationsMax = 300_000
/** Between two looks for entities that are idle. */
const idleLookMs = 5_000
/** Entities that leave, or are closed, at a time. */
const closingMax = 64
/** What a stream may be ahead of its reader. */
const streamAhead = 16

export const isStream = (rpc: Rpc.Any): boolean =>
  RpcSchema.isStreamSchema((rpc as unknown as Rpc.AnyWithProps).successSchema)

/** A message to an entity of this process. */
export interface Message {
  readonly entityType: string
  readonly entityId: string
  /** A shard that this process holds. */
  readonly shardId: ShardId.ShardId
  readonly tag: string
  readonly payload: unknown
  readonly parent: Tracer.AnySpan | undefined
  /** Its sender commits its own row together with the receiver's. */
  readonly joint?: JointCommit | null
}

/**
 * The entities in the memory of this process, a runner: it makes them when they are called, hands calls to their handlers,
 * makes anew what died, and lets go what nobody calls or what is another's.
 *
 * **Details**
 *
 * Effect's entity manager gives each entity a mailbox, an RPC server and a scope of its own, which cost more memory than
 * the entity and more time than what it does. Here entities of a type share its handlers, and a call is a function call.
 * Whether a shard is held is `Sharding`'s business: callers ask it before.
 */
export class ActivationDirectory extends Context.Service<
  ActivationDirectory,
  {
    /** From now on entities of this type are made here. */
    readonly host: (type: Type) => void
    /** The contract of a message that is answered here; no stream. */
    readonly rpc: (entityType: string, tag: string) => Rpc.Any | undefined
    /** `answered` is told once, in the same turn or later. The entity must be of a type that is hosted. */
    readonly call: (message: Message, answered: (answer: Answer) => void) => void
    /** What a message of a stream is answered with; it dies when the entity does. */
    readonly stream: (message: Message) => Stream.Stream<unknown, unknown>
    readonly find: (entityType: string, entityId: string) => Activation | undefined
    readonly all: () => Iterable<Activation>
    readonly count: (entityType: string) => number
    /** The shard goes elsewhere. Done when none of its entities is here any more. */
    readonly evict: (shardId: ShardId.ShardId) => Effect.Effect<void>
    readonly evictAll: Effect.Effect<void>
    /** Lets go what nobody has called for long. */
    readonly passivateIdle: Effect.Effect<void>
    readonly supervision: Supervision["Service"]
  }
>()("@halles/engine/ActivationDirectory") {
  static readonly layer = ActivationDirectory.layerWith({ finishMs })

  static layerWith(options: { readonly finishMs: number }): Layer.Layer<ActivationDirectory> {
    const looking = Layer.effectDiscard(
      Effect.gen(function* () {
        const { passivateIdle } = yield* ActivationDirectory
        yield* passivateIdle.pipe(Effect.delay(idleLookMs), Effect.repeat(Schedule.forever), Effect.forkScoped)
      })
    )
    return looking.pipe(
      Layer.provideMerge(
        Layer.effect(
          ActivationDirectory,
          Effect.suspend(() => make(options))
        ).pipe(Layer.provide(Supervision.layer))
      )
    )
  }
}

export const make = Effect.fnUntraced(function* (options: { readonly finishMs: number }) {
  const types = new Map<string, { readonly type: Type; readonly entities: Map<string, Activation> }>()
  let total = 0
  const services = yield* Effect.context<never>()
  const clock = yield* Clock.Clock
  const supervision = yield* Supervision
  const host: Host = {
    supervision,
    figures: yield* EntityCalls,
    clock,
    tracer: (yield* Exporting) ? yield* Tracer.Tracer : undefined,
    finishMs: options.finishMs,
    fork: Effect.runForkWith(services),
    removed: (activation) => {
      const { entityId, entityType } = activation.address
      const entities = types.get(entityType)!.entities
      if (entities.get(entityId) === activation && entities.delete(entityId)) total -= 1
    }
  }
  const find = (entityType: string, entityId: string) => types.get(entityType)?.entities.get(entityId)

  const send = ({ entityId, entityType, shardId }: Message, call: Call): void => {
    const { entities, type } = types.get(entityType)!
    const here = entities.get(entityId)
    if (here !== undefined) return here.call(call)
    if (total >= activationsMax) return call.answered("MailboxFull")
    const address = EntityAddress.make({
      shardId,
      entityType: EntityType.make(entityType),
      entityId: EntityId.make(entityId)
    })
    const made = new Activation(type, host, address, call.tag)
    entities.set(entityId, made)
    total += 1
    made.call(call)
  }

  const evictThose = (holds: (activation: Activation) => boolean) =>
    Effect.suspend(() =>
      Effect.forEach([...all()].filter(holds), (activation) => activation.evict(), {
        concurrency: "unbounded",
        discard: true
      })
    )
  function* all(): IterableIterator<Activation> {
    for (const { entities } of types.values()) yield* entities.values()
  }

  return ActivationDirectory.of({
    supervision,
    host: (type) => void types.set(type.name, { type, entities: new Map() }),
    rpc: (entityType, tag) => {
      const rpc = types.get(entityType)?.type.requests.get(tag)
      return rpc === undefined || isStream(rpc) ? undefined : rpc
    },
    find,
    all,
    count: (entityType) => types.get(entityType)?.entities.size ?? 0,
    call: (message, answered) => {
      const call = new Call(message.tag, message.payload, message.parent, answered)
      call.joint = message.joint ?? null
      send(message, call)
    },
    stream: (message) =>
      Stream.callback<unknown, unknown>(
        (queue) =>
          Effect.callback((resume) => {
            const { type } = types.get(message.entityType)!
            const answered = (answer: Answer) => {
              if (typeof answer === "string") return resume(Effect.never)
              resume(Exit.isSuccess(answer) ? Queue.end(queue) : answer)
            }
            const work = (self: Actor) => {
              const stream = type.handlers[message.tag]!(self, message.payload) as Stream.Stream<unknown, unknown>
              return Stream.runForEach(stream, (value) => Queue.offer(queue, value))
            }
            const call = new Call(message.tag, message.payload, message.parent, answered, work as never)
            send(message, call)
            return Effect.sync(() => call.cut())
          }),
        { bufferSize: streamAhead }
      ),
    evict: (shardId) =>
      evictThose(({ address }) => address.shardId.id === shardId.id && address.shardId.group === shardId.group),
    evictAll: evictThose(() => true),
    passivateIdle: Effect.suspend(() => {
      const now = clock.currentTimeMillisUnsafe()
      return Effect.forEach(
        [...all()].filter((activation) => activation.isIdleSince(now)),
        (activation) => activation.passivate(),
        {
          concurrency: closingMax,
          discard: true
        }
      )
    })
  })
})

/** Of an entity type: as its layer is made with. */
export interface Options {
  readonly maxIdleTime: Duration.Input
  readonly mailboxCapacity: number
  readonly patient?: ReadonlyArray<string>
}

/** A handler for each message of a contract, called with the activation that is asked. */
export type Handlers<Self, Rpcs extends Rpc.Any> = {
  readonly [Tag in Rpcs["_tag"]]: (
    self: Self,
    payload: Rpc.Payload<Rpc.ExtractTag<Rpcs, Tag>>
  ) => Rpc.ResultFrom<Rpc.ExtractTag<Rpcs, Tag>, never>
}

/** A call that came by way of `Sharding` goes on to where the entity is. */
const forwarded = (directory: ActivationDirectory["Service"], rpc: Rpc.Any) => {
  const messageOf = (
    { entityId, entityType, shardId }: EntityAddress.EntityAddress,
    payload: unknown,
    parent: Tracer.AnySpan | undefined
  ): Message => ({ entityId, entityType, shardId, tag: rpc._tag, payload, parent })
  return (address: EntityAddress.EntityAddress) =>
    isStream(rpc)
      ? ({ payload }: { readonly payload: unknown }) => directory.stream(messageOf(address, payload, undefined))
      : ({ payload }: { readonly payload: unknown }) =>
          Effect.withFiber<unknown, unknown>((fiber) =>
            Effect.callback((resume) => {
              const parent = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
              directory.call(messageOf(address, payload, parent), (answer) => {
                if (answer === "MailboxFull") resume(Effect.fail(new ClusterError.MailboxFull({ address })))
                // The shard is leaving: `Sharding` cuts the call off, and its caller asks the next owner.
                else if (answer === "EntityNotAssignedToRunner") resume(Effect.never)
                else resume(answer)
              })
            })
          )
}

/** Of what forwards calls: it is made again in no time. */
const forwarderIdle = "5 seconds"

/** Hosts the entities of a type, in a process that has shards. */
export const layer = <Name extends string, Rpcs extends Rpc.Any, Self extends Actor>(
  entity: Entity.Entity<Name, Rpcs>,
  hosted: Options & {
    readonly activate: (address: EntityAddress.EntityAddress, first?: string) => Effect.Effect<Self>
    readonly handlers: Handlers<Self, Rpcs>
  }
): Layer.Layer<never, never, ActivationDirectory | Sharding.Sharding> => {
  const { requests } = entity.protocol
  const build = Effect.gen(function* () {
    const directory = yield* ActivationDirectory
    const figures = yield* EntityCalls
    directory.host({
      name: entity.type,
      requests: requests as ReadonlyMap<string, Rpc.Any>,
      activate: hosted.activate,
      handlers: hosted.handlers as unknown as Type["handlers"],
      maxIdleMs: Duration.toMillis(Duration.fromInputUnsafe(hosted.maxIdleTime)),
      mailboxCapacity: hosted.mailboxCapacity,
      patient: new Set(hosted.patient),
      figures: figures.type(entity.type),
      services: yield* Effect.context<never>()
    })
    const forwarders = [...requests].map(([tag, rpc]) => [tag, forwarded(directory, rpc)] as const)
    const forwarding = Effect.map(Entity.CurrentAddress, (address) =>
      Object.fromEntries(forwarders.map(([tag, to]) => [tag, to(address)] as const))
    )
    return entity.toLayer(
      forwarding as unknown as Effect.Effect<Entity.HandlersFrom<Rpcs>, never, Entity.CurrentAddress>,
      {
        concurrency: "unbounded",
        maxIdleTime: forwarderIdle,
        mailboxCapacity: hosted.mailboxCapacity
      }
    )
  })
  return Layer.unwrap(build) as unknown as Layer.Layer<never, never, ActivationDirectory | Sharding.Sharding>
}

/** Nothing of a shard is left in memory when its lock is given back. */
export const layerStorage: Layer.Layer<
  RunnerStorage.RunnerStorage,
  never,
  RunnerStorage.RunnerStorage | ActivationDirectory
> = Layer.effect(
  RunnerStorage.RunnerStorage,
  Effect.gen(function* () {
    const storage = yield* RunnerStorage.RunnerStorage
    const { evict, evictAll } = yield* ActivationDirectory
    return RunnerStorage.RunnerStorage.of({
      ...storage,
      release: (address, shardId) => Effect.andThen(evict(shardId), storage.release(address, shardId)),
      releaseAll: (address) => Effect.andThen(evictAll, storage.releaseAll(address))
    })
  })
)
