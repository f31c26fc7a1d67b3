import { Cause, Context, Effect, Exit, Layer, Option, Schedule, Tracer } from "effect"
import {
  ClusterError,
  EntityAddress,
  EntityId,
  EntityType,
  Envelope,
  Message,
  RunnerServer,
  ShardId,
  Sharding
} from "effect/cluster"
import { Headers } from "effect/http"
import { type Rpc, RpcServer } from "effect/rpc"
import { type AnswerFrame, type CallCodec, type CallFrame, codecOf, died } from "./CallFrames.ts"
import { MessageTooLarge } from "./TransportErrors.ts"
import { ActivationDirectory } from "../activation/ActivationDirectory.ts"
import { undeclaredOf } from "../activation/Undeclared.ts"
import { makeFork } from "./InOrder.ts"

/** Takes a call and answers it at some time; an answer that is too large is not sent, and another one may be. */
export type TakeCall = (call: CallFrame, answer: (answer: AnswerFrame) => MessageTooLarge | undefined) => void

/** The calls that reach this runner. */
export class IncomingCalls extends Context.Service<
  IncomingCalls,
  {
    /** From now on; before that every call is refused as not assigned, and its caller tries again. */
    readonly serve: (take: TakeCall) => void
  }
>()("@halles/engine/NatsTransport/IncomingCalls") {}

/** Addresses whose hashes are known; emptied at the bound. */
const addressesMax = 100_000

const makeAddresses = () => {
  const known = new Map<string, EntityAddress.EntityAddress>()
  return ([, group, shard, entityType, entityId]: CallFrame): EntityAddress.EntityAddress => {
    const key = `${group}:${shard}:${entityType}:${entityId}`
    const found = known.get(key)
    if (found !== undefined) return found
    if (known.size >= addressesMax) known.clear()
    const address = EntityAddress.make({
      shardId: ShardId.make(group, shard),
      entityType: EntityType.make(entityType),
      entityId: EntityId.make(entityId)
    })
    known.set(key, address)
    return address
  }
}

/** Between two looks for calls whose shard has gone. */
const lostLookMs = 400

/** A call that has no answer yet. */
interface PendingCall {
  readonly address: EntityAddress.EntityAddress
  /** Its shard was not here at some look: if it has no answer by the next one, nobody here gives it any. */
  isLost: boolean
  readonly refuse: () => void
}

const frameOf = (id: number, exit: Exit.Exit<unknown, unknown>, codec: CallCodec): AnswerFrame => {
  const refusal = undeclaredOf(exit)
  return refusal === undefined ? codec.encodeExit(id, exit) : [id, "refused", refusal]
}

/** In place of an answer that could not be sent. */
const unsent = (id: number, failed: unknown): AnswerFrame =>
  failed instanceof MessageTooLarge ? [id, "refused", "TooLarge"] : died(id, failed)

/**
 * Hands calls to the entities of this runner. An entity that is being rebuilt when its shard is taken away forgets what it
 * was asked; such calls are refused, so that their callers ask the next owner before their deadlines.
 */
export const layerCalls = Layer.effectDiscard(
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const incoming = yield* IncomingCalls
    const directory = yield* ActivationDirectory
    const { codecFor } = yield* RpcServer.Protocol
    const fork = makeFork(yield* Effect.scope, yield* Effect.context<never>())
    const addressOf = makeAddresses()

    const pending = new Set<PendingCall>()
    yield* Effect.sync(() => {
      for (const call of pending) {
        if (call.isLost) call.refuse()
        else call.isLost = !sharding.hasShardId(call.address.shardId)
      }
    }).pipe(Effect.repeat(Schedule.spaced(lostLookMs)), Effect.forkScoped)

    const takeLong: TakeCall = (call, reply) => {
      const [id, , , , , tag, payload, trace] = call
      const address = addressOf(call)
      const answer = (frame: AnswerFrame) => {
        if (!pending.has(waiting)) return undefined
        const failed = reply(frame)
        if (failed === undefined) pending.delete(waiting)
        return failed
      }
      const waiting: PendingCall = {
        address,
        isLost: false,
        refuse: () => void answer([id, "refused", "EntityNotAssignedToRunner"])
      }
      pending.add(waiting)
      const send = (make: () => AnswerFrame) => {
        let failed: unknown
        try {
          failed = answer(make())
        } catch (cause) {
          failed = new ClusterError.MalformedMessage({ cause })
        }
        if (failed !== undefined) answer(unsent(id, failed))
      }
      fork(
        Effect.flatMap(sharding.getSnowflake, (requestId) =>
          sharding.send(
            new Message.IncomingRequest<Rpc.Any>({
              // A number of our own: ids of callers that own no shards may meet.
              envelope: Envelope.makeRequest({
                requestId,
                address,
                tag: tag as never,
                payload: payload as never,
                headers: Headers.empty,
                ...(trace === null ? {} : { traceId: trace[0], spanId: trace[1], sampled: trace[2] })
              }) as never,
              lastSentReply: Option.none(),
              codecFor,
              respond: ({ reply, rpc }) =>
                Effect.sync(() => {
                  if (reply._tag !== "WithExit") return
                  const { exit } = reply
                  // Cut off by a shard that goes elsewhere: its caller is to ask there. Nobody else interrupts a call.
                  if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) {
                    send(() => [id, "refused", "EntityNotAssignedToRunner"])
                    return
                  }
                  send(() => frameOf(id, exit, codecOf(rpc, codecFor)))
                })
            })
          )
        ).pipe(
          Effect.catch((error) => Effect.sync(() => send(() => [id, "refused", error._tag]))),
          // An entity whose rebuilding is cut off takes its callers with it: nothing was refused, they are to ask again.
          Effect.catchCause((cause) =>
            Effect.sync(() =>
              send(() =>
                Cause.hasInterruptsOnly(cause) ? [id, "refused", "EntityNotAssignedToRunner"] : died(id, cause)
              )
            )
          )
        )
      )
    }

    /** What is hosted here is called where it is; `Sharding` hears of everything else, and of shards that are not here. */
    incoming.serve((call, reply) => {
      const [id, group, shard, entityType, entityId, tag, payload, trace] = call
      const rpc = directory.rpc(entityType, tag)
      const shardId = directory.find(entityType, entityId)?.address.shardId ?? ShardId.make(group, shard)
      if (rpc === undefined || !sharding.hasShardId(shardId)) return takeLong(call, reply)
      const codec = codecOf(rpc, codecFor)
      let decoded: unknown
      try {
        decoded = codec.decodePayload(payload)
      } catch {
        return takeLong(call, reply)
      }
      const parent =
        trace === null ? undefined : Tracer.externalSpan({ traceId: trace[0], spanId: trace[1], sampled: trace[2] })
      directory.call({ entityType, entityId, shardId, tag, payload: decoded, parent }, (answer) => {
        if (typeof answer === "string") return void reply([id, "refused", answer])
        let failed: unknown
        try {
          failed = reply(frameOf(id, answer, codec))
        } catch (cause) {
          failed = new ClusterError.MalformedMessage({ cause })
        }
        if (failed !== undefined) reply(unsent(id, failed))
      })
    })
  })
)

/** The runner's side: calls by the fast path, all else by Effect's own. */
export const layer = Layer.mergeAll(RunnerServer.layer, layerCalls)
