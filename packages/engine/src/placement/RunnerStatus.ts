import { Effect, Layer, Option, Schedule, Schema } from "effect"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { EntityCalls, type Figures } from "../activation/EntityCalls.ts"
import { Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import { ActivationDirectory } from "../activation/ActivationDirectory.ts"
import * as Subject from "@halles/shared/Subject"

/** How often a runner tells how it is. */
export const everyMs = 1_000
/** How often the event loop is timed, in milliseconds: more often would be most of what a runner at rest does. */
const resolutionMs = 100
const Whole = Schema.Int

/** What a runner tells of its work; counts are since it began, so that a lost message loses nothing. */
export const RunnerStatus = Schema.Struct({
  id: Schema.String,
  region: Schema.String,
  incarnation: Schema.String,
  /** Unix milliseconds. */
  at: Whole,
  /** Since the message before; 1 is all of one processor. */
  cpu: Schema.Finite,
  rssBytes: Whole,
  heapBytes: Whole,
  eventLoopDelayP99Ms: Schema.Finite,
  commits: Whole,
  /** Calls by shard: pairs of its number and a count. */
  shards: Schema.Array(Schema.Tuple([Whole, Whole])),
  types: Schema.Array(
    Schema.Struct({
      type: Schema.String,
      active: Whole,
      activations: Whole,
      passivations: Whole,
      underWay: Whole,
      commands: Schema.Array(
        Schema.Struct({
          command: Schema.String,
          calls: Whole,
          refused: Whole,
          failed: Whole,
          /** Calls by class of latency, as `EntityCalls` has them. */
          latencies: Schema.Array(Whole)
        })
      )
    })
  )
})
export type RunnerStatus = typeof RunnerStatus.Type
export const RunnerStatusJson = Schema.fromJsonString(RunnerStatus)
const encodeStatus = Schema.encodeSync(RunnerStatusJson)

/** What a runner has of one entity in its memory. */
export const Memory = Schema.Struct({
  since: Whole,
  mailboxDepth: Whole,
  inFlight: Schema.Array(Schema.Struct({ command: Schema.String, ms: Schema.Finite })),
  /** The tries of its pending step that failed; null when none did. */
  tries: Schema.NullOr(Schema.Struct({ step: Schema.String, attempts: Whole, lastError: Schema.NullOr(Schema.String) }))
})
/** Of calls under way to one entity, as many are told. */
const inFlightMax = 50
export const MemoryQuestion = Schema.fromJsonString(Schema.Struct({ type: Schema.String, id: Schema.String }))
export const MemoryAnswer = Schema.fromJsonString(Schema.NullOr(Memory))
/** Of these entities, `Cart/eu_7f3a`: which are in its memory. */
export const namesMax = 200
export const NamesJson = Schema.fromJsonString(Schema.Array(Schema.String).check(Schema.isMaxLength(namesMax)))
const decodeNames = Schema.decodeUnknownOption(NamesJson)
const encodeNames = Schema.encodeSync(NamesJson)
const decodeQuestion = Schema.decodeUnknownOption(MemoryQuestion)
const encodeAnswer = Schema.encodeSync(MemoryAnswer)

const typesOf = (figures: Figures, directory: ActivationDirectory["Service"]): RunnerStatus["types"] =>
  [...figures.types].map(([type, { activations, commands, passivations, underWay }]) => ({
    type,
    active: directory.count(type),
    activations,
    passivations,
    underWay,
    commands: [...commands].map(([command, { calls, failed, latencies, refused }]) => ({
      command,
      calls,
      refused,
      failed,
      latencies
    }))
  }))

/** Tells how this runner is each second, over NATS, and answers what it has of an entity in its memory. */
export const layer = (options: {
  readonly runnerId: string
  readonly region: Region
  readonly incarnation: string
}): Layer.Layer<never, never, Nats | ActivationDirectory> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const nats = yield* Nats
      const directory = yield* ActivationDirectory
      const figures = yield* EntityCalls
      const { incarnation, region, runnerId } = options
      const delay = yield* Effect.acquireRelease(
        Effect.sync(() => {
          const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
          histogram.enable()
          return histogram
        }),
        (histogram) => Effect.sync(() => histogram.disable())
      )
      let used = process.cpuUsage()
      let usedAt = performance.now()
      const status = (): RunnerStatus => {
        const { system, user } = process.cpuUsage(used)
        const now = performance.now()
        const cpu = (user + system) / 1_000 / Math.max(1, now - usedAt)
        used = process.cpuUsage()
        usedAt = now
        const { heapUsed, rss } = process.memoryUsage()
        // What is measured is how long a timer of that resolution took.
        const delayMs = Math.max(0, delay.percentile(99) / 1e6 - resolutionMs)
        delay.reset()
        return {
          id: runnerId,
          region,
          incarnation,
          at: Date.now(),
          cpu,
          rssBytes: rss,
          heapBytes: heapUsed,
          eventLoopDelayP99Ms: delayMs,
          commits: figures.commits,
          shards: figures.shards.flatMap((calls, shard) => (calls === 0 ? [] : [[shard, calls] as const])),
          types: typesOf(figures, directory)
        }
      }
      yield* Effect.sync(() => {
        if (!nats.isClosed()) nats.publish(Subject.status(region, runnerId), encodeStatus(status()))
      }).pipe(
        Effect.catchCause((cause) => Effect.logWarning("The status could not be told", cause)),
        Effect.repeat(Schedule.spaced(everyMs)),
        Effect.forkScoped
      )
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          nats.subscribe(Subject.memory(region, runnerId), {
            callback: (error, message) => {
              if (error !== null) return
              const question = decodeQuestion(message.string())
              if (Option.isNone(question)) return
              const here = directory.find(question.value.type, question.value.id)
              const inFlight = here?.underWay() ?? []
              message.respond(
                encodeAnswer(
                  here === undefined
                    ? null
                    : {
                        since: here.since,
                        mailboxDepth: inFlight.length,
                        inFlight: inFlight.slice(0, inFlightMax),
                        tries: here.self?.tries ?? null
                      }
                )
              )
            }
          })
        ),
        (subscription) => Effect.sync(() => subscription.unsubscribe())
      )
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          nats.subscribe(Subject.activations(region, runnerId), {
            callback: (error, message) => {
              const names = error === null ? Option.getOrNull(decodeNames(message.string())) : null
              if (names === null) return
              const here = names.filter((name) => {
                const [type = "", id = ""] = name.split("/")
                return directory.find(type, id) !== undefined
              })
              message.respond(encodeNames(here))
            }
          })
        ),
        (subscription) => Effect.sync(() => subscription.unsubscribe())
      )
    })
  )
