import * as Shard from "@halles/shared/Shard"
import { Effect, Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"

/** Answers what it is told and keeps nothing: what a call costs when the entity costs nothing. */
export const Echo = Entity.make("Echo", [Rpc.make("Say", { payload: { text: Schema.String }, success: Schema.String })])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

export const EchoLive = Echo.toLayer(Effect.succeed(Echo.of({ Say: ({ payload }) => Effect.succeed(payload.text) })), {
  concurrency: "unbounded",
  mailboxCapacity: 256
})
