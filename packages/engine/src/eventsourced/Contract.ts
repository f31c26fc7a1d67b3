import * as Shard from "@halles/shared/Shard"
import { Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc, RpcGroup } from "effect/rpc"
import { Busy, NotFound } from "./EntityErrors.ts"

type CommandClass = Schema.Top & { readonly identifier: string; readonly Type: { readonly _tag: string } }

/** A command by its class: what it is answered with, and what it may be refused with beside `Busy`. */
export const command = <P extends CommandClass, S extends Schema.Top, const E extends ReadonlyArray<Schema.Top>>(
  payload: P,
  success: S,
  ...refusals: E
): Rpc.Rpc<P["Type"]["_tag"], P, S, Schema.Union<readonly [...E, typeof Busy]>> =>
  Rpc.make(payload.identifier as P["Type"]["_tag"], {
    payload: payload as Schema.Top,
    success,
    error: Schema.Union([...refusals, Busy])
  }) as never

/** What every entity can be asked: how it is now. */
export const view = <V extends Schema.Top>(success: V) => Rpc.make("View", { success, error: NotFound })

/**
 * The messages of an entity type. They are volatile, since the journal is the durability, and no caller's deadline interrupts
 * them, but streams; the shard follows from the id alone.
 */
export const make = <
  const Type extends string,
  Messages extends ReadonlyArray<Rpc.Any>,
  Streams extends ReadonlyArray<Rpc.Any> = []
>(
  type: Type,
  messages: Messages,
  ...streams: Streams
) =>
  Entity.fromRpcGroup(
    type,
    RpcGroup.make(...messages)
      .annotateRpcs(ClusterSchema.Uninterruptible, true)
      .add(...streams)
  ).annotate(ClusterSchema.ShardGroup, Shard.group)
