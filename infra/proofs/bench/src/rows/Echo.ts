import * as ActivationDirectory from "@halles/engine/activation/ActivationDirectory"
import * as Shard from "@halles/shared/Shard"
import { Effect, Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"

/** Answers what it is told and keeps nothing: what a call costs when the entity costs nothing. */
export const Echo = Entity.make("Echo", [Rpc.make("Say", { payload: { text: Schema.String }, success: Schema.String })])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

/** As Effect hosts it. */
export const EchoManaged = Echo.toLayer(Echo.of({ Say: ({ payload }) => Effect.succeed(payload.text) }), {
  concurrency: "unbounded",
  maxIdleTime: "1 minute",
  mailboxCapacity: 256
})

/** As we do. */
export const EchoLive = ActivationDirectory.layer(Echo, {
  maxIdleTime: "1 minute",
  mailboxCapacity: 256,
  activate: () => Effect.succeed({ close: () => Effect.void }),
  handlers: { Say: (_, { text }) => Effect.succeed(text) }
})
