import { nuid } from "@nats-io/transport-node"
import { Context, Effect, Layer, Option, Schedule, Schema } from "effect"
import { CommitLatency } from "../journal/CommitLatency.ts"
import { link, Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"

/** How often a runner says that it is there. */
export const heartbeatMs = 250
/** A runner that says nothing for so long is dead. */
export const silenceMs = 1_500
/** A runner that is silent for so long is dead if its process has ended too, and is not waited for by the next owner of its shards. */
export const suspectMs = 600
/** Runners that are remembered; above it the longest silent one is forgotten. */
export const runnersMax = 1_000

/** What a runner says of itself. */
export const Heartbeat = Schema.Struct({
  id: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,60}$/u)),
  region: Schema.String.check(Schema.isPattern(/^[a-z]{2}$/u)),
  /** A new one each time the process starts. */
  incarnation: Schema.String,
  startedAtMs: Schema.Int,
  version: Schema.String,
  /** One in a hundred of its batches was committed later than this lately: see `CommitLatency`. */
  p99Ms: Schema.optionalKey(Schema.Int)
})
export type Heartbeat = typeof Heartbeat.Type

/** A heartbeat, and when it came, in milliseconds since the epoch. */
export interface Seen extends Heartbeat {
  readonly lastSeenMs: number
}

const HeartbeatJson = Schema.fromJsonString(Heartbeat)
const encodeHeartbeat = Schema.encodeSync(HeartbeatJson)
const decodeHeartbeat = Schema.decodeUnknownOption(HeartbeatJson)

/**
 * Which runners are there, by their heartbeats over NATS.
 *
 * **Details**
 *
 * A process that has just begun to listen, was itself frozen, or has no connection to NATS cannot know: it takes
 * everybody for alive until it has listened for one whole window.
 */
export class RunnerPresence extends Context.Service<
  RunnerPresence,
  {
    readonly alive: Effect.Effect<ReadonlyArray<Seen>>
    readonly isAlive: (runnerId: string) => Effect.Effect<boolean>
    /** Milliseconds for which this process has listened and heard nothing of the runner; 0 while it cannot hear anybody. */
    readonly silentMs: (runnerId: string) => Effect.Effect<number>
  }
>()("@halles/engine/RunnerPresence") {
  static readonly layerWith = (options: Options): Layer.Layer<RunnerPresence, never, Nats> =>
    Layer.effect(
      RunnerPresence,
      Effect.suspend(() => make(options))
    )

  static readonly layer = RunnerPresence.layerWith({ silenceMs })

  /** The runners of one region only; one layer a region, so that all who need it in a process listen once. */
  static readonly layerOf = (region: Region): Layer.Layer<RunnerPresence, never, Nats> => regional[region]

  /** Nobody else is there: for a runner by itself. */
  static readonly layerAlone = Layer.succeed(
    RunnerPresence,
    RunnerPresence.of({
      alive: Effect.succeed([]),
      isAlive: () => Effect.succeed(false),
      silentMs: () => Effect.succeed(Infinity)
    })
  )
}

/** Says that this runner is there, until the scope closes. */
export const layerHeartbeat = (options: {
  readonly id: string
  readonly region: string
  readonly version: string
  readonly incarnation?: string
}): Layer.Layer<never, never, Nats> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const nats = yield* Nats
      const state = yield* link(nats)
      const { id, region, version } = options
      const incarnation = options.incarnation ?? nuid.next()
      const self = { id, region, version, incarnation, startedAtMs: Date.now() }
      const latency = yield* CommitLatency
      yield* Effect.sync(() => {
        if (!state.up || nats.isClosed()) return
        const heartbeat = encodeHeartbeat({ ...self, p99Ms: Math.round(latency.p99()) })
        nats.publish(Subject.heartbeat(region, id), heartbeat)
      }).pipe(Effect.repeat(Schedule.spaced(heartbeatMs)), Effect.forkScoped)
    })
  )

interface Options {
  readonly silenceMs: number
  /** Listens to the runners of this region; of all regions without it. */
  readonly region?: Region
}

const of = (region: Region) => RunnerPresence.layerWith({ silenceMs, region })
const regional: Readonly<Record<Region, ReturnType<typeof of>>> = { eu: of("eu"), am: of("am"), ap: of("ap") }

const make = Effect.fnUntraced(function* (options: Options) {
  const nats = yield* Nats
  const runners = new Map<string, Seen>()
  /** Most heartbeats of a runner have the same text: each text is decoded once. */
  const decoded = new Map<string, Option.Option<Heartbeat>>()
  const read = (text: string): Option.Option<Heartbeat> => {
    const known = decoded.get(text)
    if (known !== undefined) return known
    if (decoded.size >= runnersMax) decoded.clear()
    const heartbeat = decodeHeartbeat(text)
    decoded.set(text, heartbeat)
    return heartbeat
  }
  const listening = { sinceMs: Date.now(), lookedAtMs: Date.now() }
  const state = yield* link(nats, () => {
    listening.sinceMs = Date.now()
  })
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      nats.subscribe(options.region === undefined ? Subject.heartbeats : Subject.heartbeatsOf(options.region), {
        callback: (error, message) => {
          if (error === null) see(runners, read(message.string()))
        }
      })
    ),
    (subscription) => Effect.sync(() => subscription.unsubscribe())
  )
  /** A pause between two looks that is longer than a few heartbeats was a pause of this process: it heard nobody then. */
  const look = () => {
    const now = Date.now()
    if (now - listening.lookedAtMs > heartbeatMs * 3) listening.sinceMs = now
    listening.lookedAtMs = now
    return now
  }
  yield* Effect.sync(look).pipe(Effect.repeat(Schedule.spaced(heartbeatMs)), Effect.forkScoped)
  const knows = (now: number) => state.up && now - listening.sinceMs >= options.silenceMs
  const silentMs = (runnerId: string) => {
    const now = look()
    return state.up ? now - Math.max(listening.sinceMs, runners.get(runnerId)?.lastSeenMs ?? 0) : 0
  }
  return RunnerPresence.of({
    alive: Effect.sync(() => {
      const now = look()
      return Array.from(runners.values())
        .filter((seen) => !knows(now) || now - seen.lastSeenMs < options.silenceMs)
        .toSorted((a, b) => a.id.localeCompare(b.id))
    }),
    isAlive: (runnerId) => Effect.sync(() => silentMs(runnerId) < options.silenceMs),
    silentMs: (runnerId) => Effect.sync(() => silentMs(runnerId))
  })
})

const see = (runners: Map<string, Seen>, heartbeat: Option.Option<Heartbeat>): void => {
  if (Option.isNone(heartbeat)) return
  // Deleted first, so that the map is in the order of the last heartbeats.
  runners.delete(heartbeat.value.id)
  runners.set(heartbeat.value.id, { ...heartbeat.value, lastSeenMs: Date.now() })
  const oldest = runners.keys().next().value
  if (runners.size > runnersMax && oldest !== undefined) runners.delete(oldest)
}
