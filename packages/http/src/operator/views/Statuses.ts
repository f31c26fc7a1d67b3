import { percentile } from "@halles/engine/activation/EntityCalls"
import { Nats } from "@halles/shared/clients/Nats"
import { runnersMax } from "@halles/engine/placement/RunnerPresence"
import { type RunnerStatus, RunnerStatusJson } from "@halles/engine/placement/RunnerStatus"
import * as Subject from "@halles/shared/Subject"
import { Context, Effect, Layer, Option, Schema } from "effect"

/** Rates and percentiles are those of so many statuses, one a second. */
const windowMax = 11
/** A runner that has told nothing for so long has no figures. */
const staleMs = 10_000

const decode = Schema.decodeUnknownOption(RunnerStatusJson)

export interface CommandRate {
  readonly command: string
  readonly calls: number
  readonly refused: number
  readonly failed: number
  readonly callsPerSecond: number
  /** Calls of the window by class of latency, so that those of several runners can be added. */
  readonly latencies: ReadonlyArray<number>
}
export interface TypeRate {
  readonly type: string
  readonly active: number
  readonly activations: number
  readonly passivations: number
  readonly underWay: number
  readonly commands: ReadonlyArray<CommandRate>
}
/** What a runner told last, and what it did in the last ten seconds. */
export interface RunnerFigures {
  readonly newest: RunnerStatus
  readonly callsPerSecond: number
  readonly commitsPerSecond: number
  /** Calls a second, by shard. */
  readonly shards: ReadonlyMap<number, number>
  readonly types: ReadonlyArray<TypeRate>
}

const added = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): ReadonlyArray<number> =>
  b.map((count, at) => count + (a[at] ?? 0))

/** Counts of the same commands of several runners, as one. */
export const together = (types: ReadonlyArray<TypeRate>): ReadonlyArray<TypeRate> =>
  [...Map.groupBy(types, ({ type }) => type)].map(([type, all]) => ({
    type,
    active: all.reduce((sum, one) => sum + one.active, 0),
    activations: all.reduce((sum, one) => sum + one.activations, 0),
    passivations: all.reduce((sum, one) => sum + one.passivations, 0),
    underWay: all.reduce((sum, one) => sum + one.underWay, 0),
    commands: [
      ...Map.groupBy(
        all.flatMap(({ commands }) => commands),
        ({ command }) => command
      )
    ].map(([command, same]) => ({
      command,
      calls: same.reduce((sum, one) => sum + one.calls, 0),
      refused: same.reduce((sum, one) => sum + one.refused, 0),
      failed: same.reduce((sum, one) => sum + one.failed, 0),
      callsPerSecond: same.reduce((sum, one) => sum + one.callsPerSecond, 0),
      latencies: same.reduce<ReadonlyArray<number>>((sum, one) => added(sum, one.latencies), [])
    }))
  }))

/** Latencies of all calls of some types. */
export const latenciesOf = (types: ReadonlyArray<TypeRate>) => {
  const all = types
    .flatMap(({ commands }) => commands)
    .reduce<ReadonlyArray<number>>((sum, one) => added(sum, one.latencies), [])
  return { p50Ms: percentile(all, 0.5), p99Ms: percentile(all, 0.99) }
}

const figuresOf = (window: ReadonlyArray<RunnerStatus>): RunnerFigures => {
  const newest = window.at(-1)!
  const oldest = window[0]!
  const seconds = Math.max(0.001, (newest.at - oldest.at) / 1_000)
  const rate = (after: number, before: number) => (window.length < 2 ? 0 : Math.max(0, after - before) / seconds)
  const shardsBefore = new Map(oldest.shards)
  const shards = new Map(newest.shards.map(([shard, calls]) => [shard, rate(calls, shardsBefore.get(shard) ?? 0)]))
  const types = newest.types.map(({ commands, ...type }) => {
    const before = oldest.types.find((one) => one.type === type.type)?.commands ?? []
    return {
      ...type,
      commands: commands.map(({ command, latencies, ...counts }) => {
        const earlier = before.find((one) => one.command === command)
        return {
          command,
          ...counts,
          callsPerSecond: rate(counts.calls, earlier?.calls ?? 0),
          latencies: latencies.map((count, at) => count - (earlier?.latencies[at] ?? 0))
        }
      })
    }
  })
  return {
    newest,
    shards,
    types,
    commitsPerSecond: rate(newest.commits, oldest.commits),
    callsPerSecond: types.flatMap(({ commands }) => commands).reduce((sum, one) => sum + one.callsPerSecond, 0)
  }
}

/** What runners tell of themselves each second: the last ten seconds of each. */
export class Statuses extends Context.Service<
  Statuses,
  { readonly of: (runnerId: string) => RunnerFigures | undefined }
>()("@halles/http/Operator/Statuses") {
  static readonly layer: Layer.Layer<Statuses, never, Nats> = Layer.effect(
    Statuses,
    Effect.gen(function* () {
      const nats = yield* Nats
      const windows = new Map<string, Array<RunnerStatus>>()
      const take = (text: string) => {
        const status = Option.getOrUndefined(decode(text))
        if (status === undefined) return
        const known = windows.get(status.id) ?? []
        // Counts of another run of the process begin at nought.
        const window = known.at(-1)?.incarnation === status.incarnation ? known : []
        window.push(status)
        if (window.length > windowMax) window.shift()
        windows.delete(status.id)
        windows.set(status.id, window)
        const quietest = windows.keys().next().value
        if (windows.size > runnersMax && quietest !== undefined) windows.delete(quietest)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          nats.subscribe(Subject.statuses, {
            callback: (error, message) => {
              if (error === null) take(message.string())
            }
          })
        ),
        (subscription) => Effect.sync(() => subscription.unsubscribe())
      )
      return {
        of: (runnerId) => {
          const window = windows.get(runnerId)
          const newest = window?.at(-1)
          return window === undefined || newest === undefined || Date.now() - newest.at > staleMs
            ? undefined
            : figuresOf(window)
        }
      }
    })
  )
}
