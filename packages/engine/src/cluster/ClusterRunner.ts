import { nuid } from "@nats-io/transport-node"
import { Effect, Layer, Schedule } from "effect"
import {
  MessageStorage,
  RunnerHealth,
  type Runners,
  type RunnerStorage,
  Sharding,
  ShardingConfig
} from "effect/cluster"
import type { SqlClient } from "effect/sql"
import * as ClusterConfig from "./ClusterConfig.ts"
import type { Nats } from "@halles/shared/clients/Nats"
import * as NatsTransport from "../transport/NatsTransport.ts"
import * as Caller from "../transport/Caller.ts"
import * as CallServer from "../transport/CallServer.ts"
import * as PlacedRunnerStorage from "../placement/PlacedRunnerStorage.ts"
import { Placement } from "../placement/Placement.ts"
import type { Region } from "@halles/shared/Region"
import * as ActivationDirectory from "../activation/ActivationDirectory.ts"
import * as RunnerPresence from "../placement/RunnerPresence.ts"
import * as ShardMover from "../placement/ShardMover.ts"

export interface Options {
  /** `eu-1`; two letters of region first, one process at a time. */
  readonly runnerId: string
  readonly region: Region
  readonly version: string
  /** A new one each time the process starts. */
  readonly incarnation?: string
  readonly overrides?: Partial<ShardingConfig.ShardingConfig["Service"]>
  readonly limits?: Partial<NatsTransport.Limits>
}

/** A runner: owns shards of its region and answers calls over NATS. */
export const layer = (
  options: Options
): Layer.Layer<
  Sharding.Sharding | Runners.Runners | Caller.Caller | ActivationDirectory.ActivationDirectory,
  never,
  RunnerStorage.RunnerStorage | Nats
> =>
  Layer.unwrap(
    Effect.sync(() => {
      const { incarnation = nuid.next(), limits, region, runnerId } = options
      const withLimits = limits === undefined ? {} : { limits }
      return CallServer.layer.pipe(
        Layer.provideMerge(
          Sharding.layer.pipe(
            Layer.provide(ActivationDirectory.layerStorage),
            Layer.provideMerge(ActivationDirectory.ActivationDirectory.layer)
          )
        ),
        Layer.provideMerge(Caller.layerRunners),
        Layer.provide(NatsTransport.layerServer({ runnerId, incarnation, ...withLimits })),
        Layer.provide(NatsTransport.layerClientProtocol({ region, ...withLimits })),
        // `ShardMover` looks after the dead.
        Layer.provide(RunnerHealth.layerNoop),
        Layer.provide(MessageStorage.layerNoop),
        Layer.provide(layerConfig(options))
      )
    })
  )

const layerConfig = (options: Options): Layer.Layer<ShardingConfig.ShardingConfig> =>
  ShardingConfig.layer(ClusterConfig.runner(options))

/**
 * Which runner has which shard, in `halles_control`, whose tables the start script makes, over the storage by which a runner
 * makes a shard its own.
 */
export const layerStorage = (
  options: Options
): Layer.Layer<
  RunnerStorage.RunnerStorage | Placement,
  never,
  RunnerStorage.RunnerStorage | Nats | SqlClient.SqlClient
> =>
  PlacedRunnerStorage.layer(options).pipe(
    Layer.provideMerge(ShardMover.layer(options)),
    Layer.provideMerge(Placement.layer)
  )

/** How long a runner that stops goes on serving until its shards are with others; what it still has is given up then. */
export const leaveMaxMs = 12_000
const lookMs = 50

/**
 * Says by heartbeats that this runner is there, so that it is given shards; before it stops it hands them over one step
 * after the other, and serves them until then. Belongs on top of all that the runner hosts.
 */
export const layerPresence = (options: Options): Layer.Layer<never, never, Placement | Nats> => {
  const { incarnation, region, runnerId, version } = options
  const handOver = Effect.gen(function* () {
    const placement = yield* Placement
    const presence = yield* RunnerPresence.RunnerPresence
    yield* Effect.retry(placement.stay(region, runnerId, "stopping"), Schedule.spaced("500 millis"))
    /** Nothing is here any more, or nobody is there to take it. */
    const handedOver = Effect.map(presence.alive, (alive) => {
      const { leaving, shards } = placement.view()
      const takers = alive.filter(({ id }) => id !== runnerId && !leaving.has(id))
      const left = shards.filter(({ holder, runner }) => runner === runnerId || holder === runnerId)
      return left.length === 0 || takers.length === 0
    })
    // Counted, not timed out: who is being stopped can no longer be interrupted.
    const wait = Effect.repeat(handedOver, {
      schedule: Schedule.spaced(lookMs),
      until: (done) => done,
      times: leaveMaxMs / lookMs
    })
    yield* Effect.addFinalizer(() =>
      Effect.catchCause(Effect.andThen(placement.leave(region, runnerId, "stopping"), wait), (cause) =>
        Effect.logWarning("The shards could not be handed over", cause)
      )
    )
  })
  return Layer.effectDiscard(Effect.orDie(handOver)).pipe(
    Layer.provide(
      RunnerPresence.layerHeartbeat({
        id: runnerId,
        region,
        version,
        ...(incarnation === undefined ? {} : { incarnation })
      })
    ),
    Layer.provide(RunnerPresence.RunnerPresence.layerOf(region))
  )
}
