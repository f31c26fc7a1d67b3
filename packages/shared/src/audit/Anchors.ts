import { type JetStreamClient, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream"
import { Effect, Schema } from "effect"
import type { Nats } from "../clients/Nats.ts"

/** The end of the log at some moment: whoever shortens the log cannot take back that it was once this long. */
export const Anchor = Schema.Struct({
  seq: Schema.String,
  hash: Schema.String,
  /** Of the process that follows the log and signs it (`AuditSigner.ts`); those of other writers have none. */
  signature: Schema.optionalKey(Schema.String)
})
export type Anchor = typeof Anchor.Type

const stream = "AUDIT_ANCHORS"
const subject = "halles.audit.anchor"
/** The newest say all that the older ones did, since each row holds the hash of the one before it. */
const kept = 10_000

/** The stream did not take an anchor, or did not give its anchors. */
export class AnchorsUnavailable extends Schema.TaggedError<AnchorsUnavailable>()("AnchorsUnavailable", {
  cause: Schema.Defect()
}) {}

const attempt = <A>(run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new AnchorsUnavailable({ cause }) })

const ensure = async (nats: Nats["Service"]) => {
  const manager = await jetstreamManager(nats)
  const names = await manager.streams.names().next()
  if (names.includes(stream)) return manager
  // Neither a message nor the whole can be taken out through the stream's interface, not by those who write either.
  await manager.streams.add({
    name: stream,
    subjects: [subject],
    retention: RetentionPolicy.Limits,
    max_msgs: kept,
    deny_delete: true,
    deny_purge: true
  })
  return manager
}

export const publish = (client: JetStreamClient, nats: Nats["Service"], anchor: Anchor) =>
  attempt(async () => {
    await ensure(nats)
    await client.publish(subject, JSON.stringify(anchor), { msgID: `${anchor.hash}${anchor.signature ?? ""}` })
  })

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Anchor))

/** The newest anchors, oldest first. */
export const newest = (nats: Nats["Service"], max: number): Effect.Effect<ReadonlyArray<Anchor>, AnchorsUnavailable> =>
  attempt(async () => {
    const manager = await ensure(nats)
    const { state } = await manager.streams.info(stream)
    const anchors: Array<Anchor> = []
    for (let seq = Math.max(state.first_seq, state.last_seq - max + 1); seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage(stream, { seq })
      if (message !== null) anchors.push(decode(message.string()))
    }
    return anchors
  })
