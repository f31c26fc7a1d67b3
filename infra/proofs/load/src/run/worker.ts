import type { Acknowledged } from "@halles/harness/Books"
import type { NoAnswer } from "@halles/harness/EdgeClient"
import { Clock, Effect, Layer, Random, Result } from "effect"
import { once } from "node:events"
import { parentPort, workerData } from "node:worker_threads"
import { arrivals } from "../workload/Arrivals.ts"
import { closedLoop, nowMs, openLoop } from "../workload/Generator.ts"
import { keyspace } from "../workload/Keys.ts"
import { batchOf, type Outcome, type Sample } from "../workload/Samples.ts"
import { type Orders, type Scenario, scenarios } from "../workload/Scenarios.ts"
import { type Report, shopOf, type Start, type Work } from "./Work.ts"

const work: Work = workerData
const reportEvery = "500 millis"

const post = (report: Report): void => parentPort!.postMessage(report)

const program = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const random = yield* Random.withSeed(
    Effect.map(Random.Random, (service) => () => service.nextDoubleUnsafe()),
    `${work.seed}/${work.thread}`
  )
  const { draw, keys } = Result.getOrThrow(keyspace(work.keys.spec, work.keys))
  const scenario: Scenario = scenarios[work.scenario]
  let samples: Array<Sample> = []
  let acknowledged: Array<Acknowledged> = []
  const orders: Orders = { placed: [], delivered: 0 }

  const flush = Effect.sync(() => {
    if (samples.length > 0 || acknowledged.length > 0) post({ _tag: "Batch", batch: batchOf(samples), acknowledged })
    samples = []
    acknowledged = []
  })

  const operation = (nth: number, intendedMs: number) =>
    Effect.suspend(() => {
      const n = nth * work.threads + work.thread
      const sale = work.sales[n % work.sales.length]
      const key = sale?.key ?? draw(random)
      const timed =
        (kind: number, intendedMs: number, startedMs: number) =>
        (outcome: Outcome): void =>
          void samples.push({ kind, key, intendedMs, startedMs, endedMs: nowMs(clock), outcome })
      const step = <A, R>(name: string, effect: Effect.Effect<A, NoAnswer, R>): Effect.Effect<A, NoAnswer, R> =>
        Effect.suspend(() => {
          const since = nowMs(clock)
          const note = timed(1 + scenario.steps.indexOf(name), since, since)
          return Effect.tapError(
            Effect.tap(effect, () => Effect.sync(() => note("ok"))),
            ({ code }) => Effect.sync(() => note(`failed:${code}`))
          )
        })
      const note = timed(0, intendedMs, nowMs(clock))
      return scenario
        .run({
          run: work.keys.run,
          key: keys[key]!,
          cart: work.carts[key] ?? "",
          basket: sale?.items ?? [{ code: keys[key]!.name, quantity: 1 }],
          n,
          name: `${work.keys.run}-${n}`,
          random,
          orders,
          step,
          tell: (one) => void acknowledged.push(one)
        })
        .pipe(
          Effect.catch(({ code }) => Effect.succeed<Outcome>(`failed:${code}`)),
          Effect.map(note)
        )
    })

  const started = once(parentPort!, "message")
  post({ _tag: "Ready" })
  const [{ startMs }] = (yield* Effect.promise(() => started)) as [Start]
  yield* Effect.forkScoped(Effect.forever(Effect.delay(flush, reportEvery)))
  const { pace } = work
  const idle = performance.eventLoopUtilization()
  const { inFlightMax, lengthMs } = work
  const phase = work.thread / work.threads
  const { heldBack } =
    pace._tag === "Closed"
      ? yield* closedLoop({ callers: pace.callers, startMs, untilMs: startMs + lengthMs, operation })
      : yield* openLoop({
          arrivals: pace._tag === "Listed" ? pace.atMs : arrivals({ ...pace, untilMs: lengthMs, random, phase }),
          startMs,
          inFlightMax,
          operation
        })
  const { utilization } = performance.eventLoopUtilization(idle)
  yield* flush
  post({ _tag: "Done", heldBack, utilization })
})

await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(Layer.orDie(shopOf(work.target)))))
parentPort!.close()
