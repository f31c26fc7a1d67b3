import { Schema } from "effect"
import { RpcClientDefect, RpcClientError } from "effect/rpc/RpcClientError"

/** A message is larger than the transport carries; sending it again cannot help, so the call dies with this. */
export class MessageTooLarge extends Schema.TaggedError<MessageTooLarge>()("MessageTooLarge", {
  bytes: Schema.Int,
  bytesMax: Schema.Int
}) {
  override get message(): string {
    return `A message of ${this.bytes} bytes is over the limit of ${this.bytesMax} bytes`
  }
}

/** The peer cannot be reached, or what was on its way to or from it may be lost: the call may or may not have run. */
export class PeerLost extends Schema.TaggedError<PeerLost>()("PeerLost", {
  runner: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `Runner ${this.runner}: ${this.reason}`
  }
}

/** As `Runners` wants it, which turns it into `RunnerUnavailable`. */
export const clientError = (runner: string, reason: string): RpcClientError => {
  const cause = new PeerLost({ runner, reason })
  return new RpcClientError({ reason: new RpcClientDefect({ message: cause.message, cause }) })
}
