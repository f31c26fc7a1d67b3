import { Context, Exit, type Tracer } from "effect"
import { ClusterError, ClusterSchema, EntityAddress, EntityId, EntityType, type ShardId } from "effect/cluster"
import { type Rpc, RpcSchema } from "effect/rpc"
import type { Caller } from "./Caller.ts"
import { codecOf, exitOf } from "./CallFrames.ts"
import { failedWith, isUndeclared } from "../activation/Undeclared.ts"
import { MessageTooLarge } from "./TransportErrors.ts"

/** A message to an entity whose shard some runner has. */
export interface FastCall {
  readonly shard: ShardId.ShardId
  readonly entityType: string
  readonly entityId: string
  readonly tag: string
  readonly payload: unknown
  readonly rpc: Rpc.Any
  readonly parent: Tracer.AnySpan | undefined
}

/** Calls without `Sharding` between, to runners that have answered for a shard. */
export class FastPath extends Context.Service<
  FastPath,
  {
    /**
     * `answered` is told once: what the entity answered, or `null` when `Sharding` is to be asked. What is returned
     * forgets the call; `undefined` when nobody is known to have the shard, and nothing was sent.
     */
    readonly call: (
      message: FastCall,
      answered: (exit: Exit.Exit<unknown, unknown> | null) => void
    ) => (() => void) | undefined
  }
>()("@halles/engine/NatsTransport/FastPath") {}

/** Volatile, one answer, and nothing that an interrupt of the caller would stop. */
export const isShort = (rpc: Rpc.Any): boolean => {
  const { annotations, successSchema } = rpc as unknown as Rpc.AnyWithProps
  return (
    !Context.get(annotations, ClusterSchema.Persisted) &&
    Context.get(annotations, ClusterSchema.Uninterruptible) === true &&
    !RpcSchema.isStreamSchema(successSchema)
  )
}

/**
 * Which runner answered last for a shard. `Sharding` alone knows who is to have a shard and keeps that to itself; what
 * it decides is seen in what it sends. A shard that moved since costs one refusal.
 */
export class Answerers {
  private readonly runners = new Map<ShardId.ShardId, string>()

  of(shard: ShardId.ShardId): string | undefined {
    return this.runners.get(shard)
  }

  answered(shard: ShardId.ShardId, runner: string): void {
    if (this.runners.get(shard) !== runner) this.runners.set(shard, runner)
  }

  refused(shard: ShardId.ShardId, runner: string): void {
    if (this.runners.get(shard) === runner) this.runners.delete(shard)
  }

  /** It is gone, or has lost a shard. */
  gone(runner: string): void {
    for (const [shard, known] of this.runners) if (known === runner) this.runners.delete(shard)
  }
}

export const make = ({ call, codecFor }: Caller["Service"], answerers: Answerers): FastPath["Service"] => ({
  call: (message, answered) => {
    const { entityId, entityType, parent, payload, rpc, shard, tag } = message
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
      (id) => [id, shard.group, shard.id, entityType, entityId, tag, encoded, trace],
      (answer) => {
        if (answer instanceof MessageTooLarge) return answered(failedWith("TooLarge", `${entityType}/${entityId}`))
        if (answer?.[1] === "refused" && isUndeclared(answer[2])) {
          return answered(failedWith(answer[2], `${entityType}/${entityId}`))
        }
        if (answer === null || (answer[1] === "refused" && answer[2] !== "MailboxFull")) {
          answerers.refused(shard, runner)
          return answered(null)
        }
        if (answer[1] === "refused") {
          const address = EntityAddress.make({
            shardId: shard,
            entityType: EntityType.make(entityType),
            entityId: EntityId.make(entityId)
          })
          return answered(Exit.fail(new ClusterError.MailboxFull({ address })))
        }
        answered(exitOf(answer, codec))
      }
    )
  }
})
