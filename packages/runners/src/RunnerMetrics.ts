import { duplicateActivations } from "@halles/engine/journal/Journal"
import { parked as parkedEvents } from "@halles/engine/journal/Outbox"
import { hungTotal, parkedNow, parkedTotal } from "@halles/engine/activation/ParkedEntities"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import { CommitLatency } from "@halles/engine/journal/CommitLatency"
import { EntityCalls, percentile } from "@halles/engine/activation/EntityCalls"
import { ActivationDirectory } from "@halles/engine/activation/ActivationDirectory"
import { Effect, Metric, Schedule } from "effect"

/** Calls are counted without Effect's metrics, since every call passes there; what was counted is told after this. */
const everyMs = 2_000

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })
const gauge = (name: string, description: string) => Metric.gauge(name, { description })
const calls = counter("halles_entity_calls_total", "Calls to entities of this runner, by type, command and outcome")
const latency = gauge("halles_entity_call_p99_seconds", "What 99 of 100 calls stayed below since the runner began")
const activation = gauge("halles_entity_active", "Entities in the memory of this runner")
const underWay = gauge("halles_entity_calls_in_flight", "Calls to entities of this runner without an answer yet")
const commits = counter("halles_journal_commits_total", "Rows that this runner has written to the journal")
const commitLatency = gauge("halles_journal_commit_p99_seconds", "How long commands waited for their commit lately")
const shards = gauge("halles_shards_owned", "Shards of which this runner has the newest epoch")

/** Tells what the plain counters hold, for ever; what never happened is told as nought. */
export const run = Effect.gen(function* () {
  const figures = yield* EntityCalls
  const latencies = yield* CommitLatency
  const epochs = yield* ShardEpochs
  const directory = yield* ActivationDirectory
  const exported = new Map<string, number>()
  const raise = (metric: typeof calls, key: string, now: number) => {
    const before = exported.get(key) ?? 0
    exported.set(key, now)
    return Metric.update(metric, now - before)
  }
  for (const never of [duplicateActivations, parkedTotal, hungTotal, parkedEvents]) yield* Metric.update(never, 0)
  yield* Metric.update(parkedNow, 0)

  yield* Effect.gen(function* () {
    yield* raise(commits, "commits", figures.commits)
    yield* Metric.update(commitLatency, latencies.p99() / 1_000)
    yield* Metric.update(shards, epochs.owned().length)
    for (const [type, ofType] of figures.types) {
      yield* Metric.update(Metric.withAttributes(activation, { type }), directory.count(type))
      yield* Metric.update(Metric.withAttributes(underWay, { type }), ofType.underWay)
      for (const [command, { calls: all, failed, latencies: classes, refused }] of ofType.commands) {
        const outcomes = { done: all - refused - failed, refused, failed }
        for (const [outcome, count] of Object.entries(outcomes)) {
          const attributes = { type, command, outcome }
          yield* raise(
            Metric.withAttributes(calls, attributes) as typeof calls,
            Object.values(attributes).join(),
            count
          )
        }
        yield* Metric.update(Metric.withAttributes(latency, { type, command }), percentile(classes, 0.99) / 1_000)
      }
    }
  }).pipe(Effect.repeat(Schedule.spaced(everyMs)))
})
