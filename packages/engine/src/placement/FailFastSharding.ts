import { Effect, Layer, Schedule, Stream } from "effect"
import { ClusterError, EntityAddress, EntityId, ShardId, Sharding } from "effect/cluster"
import { RpcSchema } from "effect/rpc"
import type { Nats } from "@halles/shared/clients/Nats"
import { regions } from "@halles/shared/Region"
import { heartbeatMs, RunnerPresence } from "./RunnerPresence.ts"
import * as Shard from "@halles/shared/Shard"

/** No runner of any name: alive only as long as nobody can be told from dead. */
const nobody = "nobody"

/**
 * `Sharding` for a client, but that a call to a region without a living runner fails at once with
 * `EntityNotAssignedToRunner`. `Sharding` itself would try again until the caller's deadline. A runner that comes back
 * is heard within a heartbeat.
 */
export const layer: Layer.Layer<Sharding.Sharding, never, Sharding.Sharding | Nats> = Layer.effect(
  Sharding.Sharding,
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const presence = yield* RunnerPresence
    const down = new Set<string>()
    yield* Effect.gen(function* () {
      const knows = !(yield* presence.isAlive(nobody))
      const there = new Set((yield* presence.alive).map(({ region }) => region))
      for (const region of regions) {
        if (knows && !there.has(region)) down.add(region)
        else down.delete(region)
      }
    }).pipe(Effect.repeat(Schedule.spaced(heartbeatMs)), Effect.forkScoped)

    const makeClient: Sharding.Sharding["Service"]["makeClient"] = (entity) =>
      Effect.map(sharding.makeClient(entity), (client) => {
        const refusing = (id: string): ReturnType<typeof client> => {
          const entityId = EntityId.make(id)
          const shardId = ShardId.make(Shard.group(id), 1)
          const refused = new ClusterError.EntityNotAssignedToRunner({
            address: EntityAddress.make({ shardId, entityType: entity.type as never, entityId })
          })
          const refuse = (tag: string) => {
            const rpc = entity.protocol.requests.get(tag) as { readonly successSchema?: unknown } | undefined
            const streams = RpcSchema.isStreamSchema(rpc?.successSchema as never)
            return () => (streams ? Stream.fail(refused) : Effect.fail(refused))
          }
          return new Proxy({}, { get: (_, tag) => refuse(String(tag)) }) as ReturnType<typeof client>
        }
        return (id) => (down.has(id.slice(0, 2)) ? refusing(id) : client(id))
      })
    return Sharding.Sharding.of({ ...sharding, makeClient })
  })
).pipe(Layer.provide(RunnerPresence.layer))
