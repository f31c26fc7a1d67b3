import { Cause, Context, Effect, Exit, Layer } from "effect"
import {
  ClusterError,
  ClusterSchema,
  Message,
  Reply,
  type RunnerAddress,
  Runners,
  type ShardId,
  Snowflake
} from "effect/cluster"
import { type Rpc, type RpcSerialization, RpcSchema } from "effect/rpc"
import { type AnswerFrame, type CallFrame, codecOf, exitOf, type Refusal } from "./CallFrames.ts"
import { failedWith, isUndeclared, type Undeclared } from "../activation/Undeclared.ts"
import { MessageTooLarge } from "./TransportErrors.ts"

/** The message is volatile, has one answer, and no interrupt of its caller stops what it does. */
export const takesFastPath = (rpc: Rpc.Any): boolean => {
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

/** Sends calls to runners; a process has one. */
export class Caller extends Context.Service<
  Caller,
  {
    /**
     * `answer` is called once: with the answer, with `null` when the runner is unavailable (the call may have run), or
     * with why it could not be sent. What is returned forgets the call.
     */
    readonly call: (
      runner: string,
      frame: (id: number) => CallFrame,
      answer: (answer: AnswerFrame | MessageTooLarge | null) => void
    ) => () => void
    /** The runner has lost shards: calls are not waited for if it is silent. */
    readonly forsake: (runner: string) => void
    readonly codecFor: RpcSerialization.CodecFor
    readonly answerers: Answerers
  }
>()("@halles/engine/NatsTransport/Caller") {}

const streams = <R extends Rpc.Any>(message: Message.OutgoingRequest<R>): boolean =>
  RpcSchema.isStreamSchema((message.rpc as unknown as Rpc.AnyWithProps).successSchema)

const takesFastPathMessage = <R extends Rpc.Any>(message: Message.Outgoing<R>): message is Message.OutgoingRequest<R> =>
  message._tag === "OutgoingRequest" && takesFastPath(message.rpc) && Object.keys(message.envelope.headers).length === 0

const refused = <R extends Rpc.Any>(reason: Exclude<Refusal, Undeclared>, message: Message.OutgoingRequest<R>) => {
  const { address, requestId } = message.envelope
  switch (reason) {
    case "MailboxFull":
      return new ClusterError.MailboxFull({ address })
    case "AlreadyProcessingMessage":
      return new ClusterError.AlreadyProcessingMessage({ address, envelopeId: requestId })
    default:
      return new ClusterError.EntityNotAssignedToRunner({ address })
  }
}

/** Effect's `Runners`, but that calls take the fast path. */
const make = Effect.gen(function* () {
  const runners = yield* Runners.makeRpc
  const snowflakes = yield* Snowflake.Generator
  const caller = yield* Caller
  const { answerers, call, codecFor, forsake } = caller

  const send = <R extends Rpc.Any>(to: RunnerAddress.RunnerAddress, message: Message.OutgoingRequest<R>) =>
    Effect.callback<
      void,
      | ClusterError.RunnerUnavailable
      | ClusterError.EntityNotAssignedToRunner
      | ClusterError.MailboxFull
      | ClusterError.AlreadyProcessingMessage
    >((resume) => {
      const { envelope } = message
      const { address, requestId, sampled, spanId, tag, traceId } = envelope
      const codec = codecOf(message.rpc, codecFor)
      const respond = (exit: Exit.Exit<unknown, unknown>) =>
        resume(
          message.respond(new Reply.WithExit<R>({ id: snowflakes.nextUnsafe(), requestId, exit: exit as Rpc.Exit<R> }))
        )
      let payload: unknown
      try {
        payload = codec.encodePayload(envelope.payload)
      } catch (cause) {
        respond(Exit.die(new ClusterError.MalformedMessage({ cause })))
        return
      }
      const trace = traceId === undefined ? null : ([traceId, spanId ?? "", sampled === true] as const)
      const { group, id: shard } = address.shardId
      const forget = call(
        to.host,
        (id) => [id, group, shard, address.entityType, address.entityId, tag, payload, trace],
        (answer) => {
          if (answer === null || (!(answer instanceof MessageTooLarge) && answer[1] === "refused")) {
            answerers.refused(address.shardId, to.host)
          } else answerers.answered(address.shardId, to.host)
          if (answer === null) return resume(Effect.fail(new ClusterError.RunnerUnavailable({ address: to })))
          const entity = `${address.entityType}/${address.entityId}`
          if (answer instanceof MessageTooLarge) return respond(failedWith("TooLarge", entity))
          if (answer[1] === "refused") {
            const [, , reason] = answer
            return isUndeclared(reason)
              ? respond(failedWith(reason, entity))
              : resume(Effect.fail(refused(reason, message)))
          }
          respond(exitOf(answer, codec))
        }
      )
      return Effect.sync(forget)
    })

  /**
   * Effect's own way, for a call that its caller may interrupt. When it ends interrupted though nobody did, a shard that
   * moves cut it off, and its caller is to ask the next owner.
   */
  const sendLong: Runners.Runners["Service"]["send"] = ({ address, message }) => {
    if (message._tag !== "OutgoingRequest" || streams(message)) return runners.send({ address, message })
    let cutOff = false
    const watched = new Message.OutgoingRequest({
      ...message,
      respond: (reply) => {
        cutOff = reply._tag === "WithExit" && Exit.isFailure(reply.exit) && Cause.hasInterruptsOnly(reply.exit.cause)
        return cutOff ? Effect.void : message.respond(reply)
      }
    })
    return Effect.andThen(
      runners.send({ address, message: watched }),
      Effect.suspend(() =>
        cutOff
          ? Effect.fail(new ClusterError.EntityNotAssignedToRunner({ address: message.envelope.address }))
          : Effect.void
      )
    )
  }

  const cluster = Runners.Runners.of({
    ...runners,
    send: (options) =>
      takesFastPathMessage(options.message) ? send(options.address, options.message) : sendLong(options),
    // `Sharding` says so for each shard that a runner loses.
    onRunnerUnavailable: (address) =>
      Effect.andThen(
        Effect.sync(() => {
          answerers.gone(address.host)
          forsake(address.host)
        }),
        runners.onRunnerUnavailable(address)
      )
  })
  return Context.make(Runners.Runners, cluster).pipe(Context.add(Caller, caller))
})

/** How a process reaches runners. */
export const layerRunners = Layer.effectContext(make).pipe(Layer.provide(Snowflake.layerGenerator))
