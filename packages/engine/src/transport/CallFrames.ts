import { Cause, Exit, Schema } from "effect"
import { ClusterError } from "effect/cluster"
import { Rpc, type RpcSerialization } from "effect/rpc"
import type { Undeclared } from "../activation/Undeclared.ts"

/**
 * The fast path of an entity call: one request, one answer, nothing to interrupt. Every command and query of ours is
 * one; streams, acks and interrupts go by Effect's own RPC messages. Both travel as lines of JSON; a call is an array.
 */
export type CallFrame = readonly [
  id: number,
  group: string,
  shard: number,
  entityType: string,
  entityId: string,
  tag: string,
  payload: unknown,
  trace: readonly [traceId: string, spanId: string, sampled: boolean] | null
]

export type AnswerFrame =
  | readonly [id: number, kind: "done", success: unknown]
  | readonly [id: number, kind: "exit", exit: unknown]
  | readonly [id: number, kind: "refused", reason: Refusal]

/** Why a runner did not take a call. */
export type Refusal = "EntityNotAssignedToRunner" | "MailboxFull" | "AlreadyProcessingMessage" | Undeclared

export const isCall = (message: unknown): message is CallFrame =>
  Array.isArray(message) && message.length === 8 && typeof message[0] === "number"
export const isAnswer = (message: unknown): message is AnswerFrame =>
  Array.isArray(message) && message.length === 3 && typeof message[0] === "number"

/** What goes over the wire of one message of a contract; throws on values that do not fit it. */
export interface CallCodec {
  readonly encodePayload: (payload: unknown) => unknown
  readonly decodePayload: (payload: unknown) => unknown
  readonly encodeExit: (id: number, exit: Exit.Exit<unknown, unknown>) => AnswerFrame
  readonly decodeSuccess: (success: unknown) => unknown
  readonly decodeExit: (exit: unknown) => Exit.Exit<unknown, unknown>
}

const codecs = new WeakMap<Rpc.Any, CallCodec>()

/** Compiled once a message; contracts are data and need no services. */
export const codecOf = (rpc: Rpc.Any, codecFor: RpcSerialization.CodecFor): CallCodec => {
  const known = codecs.get(rpc)
  if (known !== undefined) return known
  const { payloadSchema, successSchema } = rpc as unknown as Rpc.AnyWithProps
  const exitCodec = codecFor(Rpc.exitSchema(rpc)) as unknown as Schema.Codec<Exit.Exit<unknown, unknown>, unknown>
  const successCodec = codecFor(successSchema) as unknown as Schema.Codec<unknown, unknown>
  const encodeSuccess = Schema.encodeUnknownSync(successCodec)
  const encodeWhole = Schema.encodeUnknownSync(exitCodec)
  const payloadCodec = codecFor(payloadSchema) as unknown as Schema.Codec<unknown, unknown>
  const codec: CallCodec = {
    encodePayload: Schema.encodeUnknownSync(payloadCodec),
    decodePayload: Schema.decodeUnknownSync(payloadCodec),
    // `undefined` is no JSON: an answer of nothing is null, which decodes to it.
    encodeExit: (id, exit) =>
      Exit.isSuccess(exit) ? [id, "done", encodeSuccess(exit.value) ?? null] : [id, "exit", encodeWhole(exit)],
    decodeSuccess: Schema.decodeUnknownSync(successCodec),
    decodeExit: Schema.decodeUnknownSync(exitCodec)
  }
  codecs.set(rpc, codec)
  return codec
}

const encodeDefect = Schema.encodeUnknownSync(
  Schema.toCodecJson(Schema.Exit(Schema.Never, Schema.Never, Schema.Defect()))
)

/** An answer that fits every contract. */
export const died = (id: number, defect: unknown): AnswerFrame => [
  id,
  "exit",
  encodeDefect(Exit.failCause(Cause.die(defect)))
]

/** What an entity answered; what does not fit its contract is a defect. */
export const exitOf = (
  answer: Exclude<AnswerFrame, readonly [id: number, kind: "refused", reason: Refusal]>,
  codec: CallCodec
): Exit.Exit<unknown, unknown> => {
  try {
    return answer[1] === "done" ? Exit.succeed(codec.decodeSuccess(answer[2])) : codec.decodeExit(answer[2])
  } catch (cause) {
    return Exit.die(new ClusterError.MalformedMessage({ cause }))
  }
}
