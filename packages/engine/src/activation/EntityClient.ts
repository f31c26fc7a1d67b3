import { Context, Effect, Exit, Fiber, Option, Tracer } from "effect"
import { ClusterError, type Entity, EntityAddress, EntityId, EntityType, type ShardId, Sharding } from "effect/cluster"
import type { Rpc } from "effect/rpc"
import { Busy } from "../eventsourced/EntityErrors.ts"
import { JointCommit } from "../eventsourced/JointCommit.ts"
import { codecOf, exitOf } from "../transport/CallFrames.ts"
import { Caller, takesFastPath } from "../transport/Caller.ts"
import { MessageTooLarge } from "../transport/TransportErrors.ts"
import { isStream, ActivationDirectory } from "./ActivationDirectory.ts"
import { failedWith, isUndeclared } from "./Undeclared.ts"

type Client<Rpcs extends Rpc.Any> = Effect.Success<Entity.Entity<string, Rpcs>["client"]>
type Call = (payload?: unknown, options?: unknown) => Effect.Effect<unknown, unknown>

/** After a runner did not answer, as `sendRetryInterval` of `ClusterConfig`. */
const againMs = 25

/** How this process reaches the entities of one type. */
interface Ways {
  readonly far: (id: string) => Readonly<Record<string, Call>>
  readonly directory: ActivationDirectory["Service"] | undefined
  readonly caller: Caller["Service"] | undefined
  readonly shardOf: (id: string) => ShardId.ShardId
  /** Whether this process has the shard. */
  readonly holds: (shard: ShardId.ShardId) => boolean
  readonly around: Around
}

/** Wraps every call to an entity, such as in a breaker; streams have no answer to wait for and are not wrapped. */
export type Around = (id: string, call: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>

/** A client of one entity; its methods are those of the contract. */
interface Near {
  readonly ways: Ways
  readonly id: string
}

const mailboxFull = (type: string, id: string, shardId: ShardId.ShardId) =>
  new ClusterError.MailboxFull({
    address: EntityAddress.make({ shardId, entityType: EntityType.make(type), entityId: EntityId.make(id) })
  })

interface Asked {
  readonly shard: ShardId.ShardId
  readonly type: string
  readonly id: string
  readonly rpc: Rpc.Any
  readonly payload: unknown
  readonly parent: Tracer.AnySpan | undefined
}

/**
 * The fast path: sends the call to the runner that answered last for the shard, without `Sharding` between. It calls `answered` once:
 * with what the entity answered, or with `null` when the caller has to go by `Sharding`. It returns a function that forgets the call, or
 * `undefined` when it knows no runner and has sent nothing.
 */
export const askRunner = (
  { answerers, call, codecFor }: Caller["Service"],
  { id, parent, payload, rpc, shard, type }: Asked,
  answered: (exit: Exit.Exit<unknown, unknown> | null) => void
): (() => void) | undefined => {
  const runner = answerers.of(shard)
  if (runner === undefined) return undefined
  const codec = codecOf(rpc, codecFor)
  let encoded: unknown
  try {
    encoded = codec.encodePayload(payload)
  } catch {
    // Effect's client makes of it what the contract wants, or says what is wrong with it.
    return undefined
  }
  const trace = parent === undefined ? null : ([parent.traceId, parent.spanId, parent.sampled] as const)
  return call(
    runner,
    (number) => [number, shard.group, shard.id, type, id, rpc._tag, encoded, trace],
    (answer) => {
      if (answer instanceof MessageTooLarge) return answered(failedWith("TooLarge", `${type}/${id}`))
      if (answer !== null && answer[1] !== "refused") return answered(exitOf(answer, codec))
      const reason = answer?.[2]
      if (reason === "MailboxFull") return answered(Exit.fail(mailboxFull(type, id, shard)))
      if (reason !== undefined && isUndeclared(reason)) return answered(failedWith(reason, `${type}/${id}`))
      answerers.refused(shard, runner)
      answered(null)
    }
  )
}

const prototypes = new WeakMap<object, object>()

/** The methods of all clients of a type, made once. */
const prototypeOf = (entity: Entity.Entity<string, Rpc.Any>): object => {
  const known = prototypes.get(entity)
  if (known !== undefined) return known
  const { type } = entity
  const isHosted = ({ directory }: Ways, tag: string): boolean => directory?.rpc(type, tag) !== undefined
  /** The shard of an entity that is here, or may be made here. */
  const shardHere = ({ holds, directory, shardOf }: Ways, id: string): ShardId.ShardId | undefined => {
    const known = directory!.find(type, id)?.address.shardId
    if (known !== undefined) return known
    const shard = shardOf(id)
    return holds(shard) ? shard : undefined
  }
  const prototype: Record<string, unknown> = {}
  for (const [tag, rpc] of entity.protocol.requests) {
    const away = ({ id, ways }: Near, payload?: unknown, options?: unknown) => ways.far(id)[tag]!(payload, options)
    const isFast = takesFastPath(rpc)
    const call = function (this: Near, payload?: unknown, options?: unknown) {
      const { id, ways } = this
      const asked = Effect.callback<unknown, unknown>((resume) => {
        const parent = spanOf(Fiber.getCurrent())
        const joint = JointCommit.current()
        // A receiver that is called that way writes its row at once, whatever becomes of the owner's.
        const elsewhere = (answer: Effect.Effect<unknown, unknown>) =>
          resume(joint === null ? answer : Effect.fail(new Busy()))
        if (options !== undefined) return elsewhere(away(this, payload, options))
        const here = isHosted(ways, tag) ? shardHere(ways, id) : undefined
        if (here !== undefined) {
          const message = { entityType: type, entityId: id, shardId: here, tag, payload, parent, joint }
          ways.directory!.call(message, (answer) => {
            if (answer === "EntityNotAssignedToRunner") elsewhere(Effect.delay(away(this, payload), againMs))
            else if (answer === "MailboxFull") resume(Effect.fail(mailboxFull(type, id, here)))
            else resume(answer)
          })
          return undefined
        }
        if (joint === null && ways.caller !== undefined && isFast) {
          const forget = askRunner(ways.caller, { shard: ways.shardOf(id), type, id, rpc, payload, parent }, (exit) =>
            resume(exit ?? Effect.delay(away(this, payload), againMs))
          )
          if (forget !== undefined) return Effect.sync(forget)
        }
        elsewhere(away(this, payload))
        return undefined
      })
      return ways.around(id, asked)
    }
    const stream = function (this: Near, payload?: unknown, options?: unknown) {
      return away(this, payload, options)
    }
    prototype[tag] = isStream(rpc) ? stream : call
  }
  prototypes.set(entity, prototype)
  return prototype
}

/**
 * A client of entities that takes the shortest way to each: an entity of this process is called where it is;
 * a shard whose runner is known is asked there, without an RPC client, a span and a reply object for each call; all
 * else, and what these two cannot tell, goes through Effect's own client, which waits, tries again and activates. A step of a joint
 * commit takes the first of these ways or is `Busy`.
 */
export const make = <Type extends string, Rpcs extends Rpc.Any>(
  entity: Entity.Entity<Type, Rpcs>,
  around: Around = (_id, call) => call
) =>
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const ways: Ways = {
      far: (yield* entity.client) as unknown as Ways["far"],
      directory: Option.getOrUndefined(yield* Effect.serviceOption(ActivationDirectory)),
      caller: Option.getOrUndefined(yield* Effect.serviceOption(Caller)),
      shardOf: (id) => {
        const entityId = EntityId.make(id)
        return sharding.getShardId(entityId, entity.getShardGroup(entityId))
      },
      holds: sharding.hasShardId,
      around
    }
    const prototype = prototypeOf(entity as unknown as Entity.Entity<string, Rpc.Any>)
    return ((id: string) => Object.assign(Object.create(prototype), { ways, id } satisfies Near)) as Client<Rpcs>
  })

const spanOf = (fiber: Fiber.Fiber<unknown, unknown> | undefined): Tracer.AnySpan | undefined =>
  fiber === undefined ? undefined : Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
