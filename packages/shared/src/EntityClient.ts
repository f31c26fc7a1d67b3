import { Context, Effect, Fiber, Option, Tracer } from "effect"
import { type Entity, EntityId, Sharding } from "effect/cluster"
import type { Rpc } from "effect/rpc"
import { isShort, ShortCalls } from "./NatsTransport/ShortCalls.ts"
import { isStream, Residents } from "./Residents.ts"

type Client<Rpcs extends Rpc.Any> = Effect.Success<Entity.Entity<string, Rpcs>["client"]>
type Call = (payload?: unknown, options?: unknown) => Effect.Effect<unknown, unknown>

/** After a runner did not answer, as `sendRetryInterval` of `ClusterConfig`. */
const againMs = 25

/**
 * A client of entities that takes the shortest way to each: what is in the memory of this process is called where it is;
 * a shard whose runner is known is asked there, without an RPC client, a span and a reply object for each call; all
 * else, and what these two cannot tell, goes through Effect's own client, which waits, tries again and activates.
 */
export const make = <Type extends string, Rpcs extends Rpc.Any>(entity: Entity.Entity<Type, Rpcs>) =>
  Effect.gen(function* () {
    const far = yield* entity.client
    const sharding = yield* Sharding.Sharding
    const residents = Option.getOrUndefined(yield* Effect.serviceOption(Residents))
    const short = Option.getOrUndefined(yield* Effect.serviceOption(ShortCalls))
    const away = (id: string) => far(id) as unknown as Readonly<Record<string, Call>>
    const shardOf = (id: string) => {
      const entityId = EntityId.make(id)
      return sharding.getShardId(entityId, entity.getShardGroup(entityId))
    }
    class Near {
      readonly id: string
      constructor(id: string) {
        this.id = id
      }
    }
    for (const [tag, rpc] of entity.protocol.requests) {
      const isAsked = isShort(rpc)
      const call = function (this: Near, payload?: unknown, options?: unknown) {
        const { id } = this
        if (options !== undefined) return away(id)[tag]!(payload, options)
        return Effect.callback<unknown, unknown>((resume) => {
          const parent = spanOf(Fiber.getCurrent())
          const there = residents?.find(entity.type, id)
          if (there !== undefined) {
            const taken = there.call(tag, payload, parent, (exit) => resume(exit ?? away(id)[tag]!(payload)))
            if (taken) return undefined
          } else if (short !== undefined && isAsked) {
            const message = { shard: shardOf(id), entityType: entity.type, entityId: id, tag, payload, rpc, parent }
            const forget = short.call(message, (exit) => resume(exit ?? Effect.delay(away(id)[tag]!(payload), againMs)))
            if (forget !== undefined) return Effect.sync(forget)
          }
          resume(away(id)[tag]!(payload))
          return undefined
        })
      }
      const stream = function (this: Near, payload?: unknown, options?: unknown) {
        return away(this.id)[tag]!(payload, options)
      }
      Object.defineProperty(Near.prototype, tag, { value: isStream(rpc) ? stream : call })
    }
    return ((id: string) => new Near(id)) as unknown as Client<Rpcs>
  })

const spanOf = (fiber: Fiber.Fiber<unknown, unknown> | undefined): Tracer.AnySpan | undefined =>
  fiber === undefined ? undefined : Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
