import { type Acknowledged, type Audit, oversold } from "@halles/harness/Books"
import * as Journals from "@halles/harness/Journals"
import { say, showing } from "@halles/harness/Progress"
import { addressed } from "@halles/harness/ProofCluster"
import { Shop } from "@halles/harness/Shop"
import { check } from "@halles/infra/programs/CheckProgram"
import * as Environment from "@halles/infra/Environment"
import { regions } from "@halles/shared/Region"
import { Clock, Effect, Fiber, Layer, Result, Schema } from "effect"
import { type Analysis, analyse } from "../report/Analysis.ts"
import type { Disturbance } from "./Disturbance.ts"
import { nowMs } from "../workload/Generator.ts"
import { type Impact, impacts, type Mark } from "../report/Impact.ts"
import { type Key, keyspace } from "../workload/Keys.ts"
import { disturb } from "./Nemesis.ts"
import * as Owners from "./Owners.ts"
import { liveFigures } from "./LiveFigures.ts"
import * as Resources from "./Resources.ts"
import { samplesOf } from "../workload/Samples.ts"
import { fillers, listing, type Scenario, type ScenarioName, scenarios } from "../workload/Scenarios.ts"
import type { Stand } from "./Stand.ts"
import { threads } from "./Threads.ts"
import { type KeyPlan, type Pace, shopOf, type Target, type Work } from "./Work.ts"
import * as Written from "./Written.ts"

export interface Plan {
  readonly scenario: ScenarioName
  readonly keys: KeyPlan
  readonly pace: Pace
  /** Units of each SKU that are put on sale. */
  readonly stock: number
  readonly sales: Work["sales"]
  readonly warmUpMs: number
  readonly durationMs: number
  readonly threads: number
  readonly direct: boolean
  readonly seed: string
  readonly disturbances: ReadonlyArray<Disturbance>
}

/** Operations of one thread that may be in flight; in an open loop the next one waits. */
const inFlightMax = 2_048
/** From the order to begin until the first operation, so that all threads have heard it. */
const headStartMs = 250
const preparedTogether = 32
const listedTogether = 1_000

export interface Outcome {
  readonly plan: Plan
  readonly keys: ReadonlyArray<Key>
  readonly analysis: Analysis
  readonly verdict: Audit & {
    /** Units that were promised to buyers beyond those that there were. */
    readonly oversold: number
    readonly acknowledged: number
  }
  readonly violations: number
  readonly violated: ReadonlyArray<string>
  readonly heldBack: number
  /** Share of its time in which the busiest generator thread was at work. */
  readonly utilization: number
  readonly startedAt: Date
  /** Of the first intended operation, in milliseconds of the monotonic clock. */
  readonly startMs: number
  /** The measured span. */
  readonly fromMs: number
  readonly toMs: number
  readonly impacts: ReadonlyArray<Impact>
  readonly looks: ReadonlyArray<Resources.Look>
  /** Of a span that begins and ends 1.5 s after the measured one: Postgres's statistics are late. */
  readonly written: Written.Written
}

class NoSuchProcess extends Schema.TaggedError<NoSuchProcess>()("NoSuchProcess", {
  name: Schema.String,
  known: Schema.String
}) {
  override get message(): string {
    return `there is no process ${this.name}; there are ${this.known}`
  }
}

const targetOf = (stand: Stand, direct: boolean, connections: number): Target =>
  direct
    ? { _tag: "Direct", ...addressed("load", stand.parts) }
    : { _tag: "Edge", url: stand.edgeUrl, connections, ...stand.parts.secrets }

/** Puts on sale what the scenario sells and opens its carts; gives the carts by key, and what was acknowledged. */
const prepare = Effect.fnUntraced(function* (plan: Plan, scenario: Scenario, keys: ReadonlyArray<Key>) {
  const shop = yield* Shop
  const { run } = plan.keys
  const acknowledged: Array<Acknowledged> = []
  const isCart = scenario.about === "cart"
  const sold = isCart
    ? regions.flatMap((region) => fillers(region, run, plan.stock))
    : keys.map((key) => listing(key, 0, plan.stock))
  for (let first = 0; first < sold.length; first += listedTogether) {
    const some = sold.slice(first, first + listedTogether)
    yield* shop.list(some, `load-${run}-${first}`)
  }
  if (!isCart) return { carts: [], acknowledged }
  const carts = yield* Effect.forEach(
    keys,
    (key) =>
      Effect.map(shop.openCart(key.region, key.name), (id) => {
        acknowledged.push({
          type: "Cart",
          id,
          commandId: shop.commandIds.open(key.region, key.name),
          effect: "CartOpened"
        })
        return id
      }),
    { concurrency: preparedTogether }
  )
  return { carts, acknowledged }
})

const shareOf = (pace: Pace, thread: number, of: number): Pace => {
  switch (pace._tag) {
    case "Open":
      return { ...pace, perSecond: pace.perSecond / of }
    case "Closed":
      return { ...pace, callers: Math.floor(pace.callers / of) + (thread < pace.callers % of ? 1 : 0) }
    case "Listed":
      return { ...pace, atMs: pace.atMs.filter((_, n) => n % of === thread) }
  }
}

/** Prepares, loads, and compares what was acknowledged with the journals. */
export const run = Effect.fn("Run.run")(function* (plan: Plan, stand: Stand) {
  const clock = yield* Clock.Clock
  const scenario: Scenario = scenarios[plan.scenario]
  const { keys } = Result.getOrThrow(keyspace(plan.keys.spec, plan.keys))
  for (const one of plan.disturbances) {
    const known = stand.state().processes.map(({ name }) => name)
    if (one._tag !== "Join" && !known.includes(one.process)) {
      return yield* new NoSuchProcess({ name: one.process, known: known.join(", ") })
    }
  }
  const startedAt = new Date(yield* Clock.currentTimeMillis)
  yield* say(`preparing ${keys.length} keys for ${plan.scenario}`)
  const { carts, acknowledged } = yield* prepare(plan, scenario, keys).pipe(
    Effect.provide(Layer.fresh(shopOf(targetOf(stand, plan.direct, preparedTogether))))
  )
  const threadCount = plan.pace._tag === "Closed" ? Math.min(plan.threads, plan.pace.callers) : plan.threads
  const lengthMs = plan.warmUpMs + plan.durationMs
  const works = Array.from({ length: threadCount }, (_, thread): Work => ({
    scenario: plan.scenario,
    keys: plan.keys,
    carts,
    sales: plan.sales,
    target: targetOf(stand, plan.direct, inFlightMax),
    pace: shareOf(plan.pace, thread, threadCount),
    lengthMs,
    inFlightMax,
    thread,
    threads: threadCount,
    seed: plan.seed
  }))
  const owners = yield* Owners.follow(Environment.databaseUrl(stand.parts, "halles_edge", "control"))
  const { heard, run: begin } = yield* threads(works)
  const startMs = nowMs(clock) + headStartMs
  const fromMs = startMs + plan.warmUpMs
  const looks = yield* Resources.watch(stand, startMs)
  const marks: Array<Mark> = []
  const beginning = yield* Effect.forkChild(
    Effect.delay(Written.totals(stand.parts), Math.max(0, fromMs - nowMs(clock)))
  )
  const disturbing = yield* Effect.forkChild(disturb(stand, plan.disturbances, fromMs, marks))
  yield* showing(liveFigures(heard, clock, startMs, lengthMs), begin(startMs))
  // What was frozen thaws, and a disturbance that failed fails the run.
  yield* Fiber.join(disturbing)

  const written = yield* Written.between(stand.parts, yield* Fiber.join(beginning), yield* Written.totals(stand.parts))

  yield* say("checking the invariants and the books")
  const all = [...acknowledged, ...heard.acknowledged]
  const commands = all.flatMap(({ commandId, id, type }) => (commandId === null ? [] : [{ type, id, commandId }]))
  const { violated, violations } = yield* check(stand.parts, commands)
  const stock = new Set(keys.map(({ name, region }) => `${region}_${name}`))
  const verdict = {
    ...(yield* Journals.reconcile(stand.parts, all)),
    oversold: oversold(all, (sku) => (stock.has(sku) ? plan.stock : 0)),
    acknowledged: all.length
  }
  const analysis = analyse({
    samples: () => samplesOf(heard.batches),
    keys,
    entityOf: (key) => carts[key] ?? `${keys[key]!.region}_${keys[key]!.name}`,
    steps: scenario.steps,
    startMs,
    fromMs,
    toMs: startMs + lengthMs,
    owners
  })
  const { heldBack, utilization } = heard
  const outcome: Outcome = {
    plan,
    keys,
    analysis,
    verdict,
    violations,
    violated,
    heldBack,
    utilization,
    startedAt,
    startMs,
    fromMs,
    toMs: startMs + lengthMs,
    impacts: impacts(marks, () => samplesOf(heard.batches), owners),
    looks,
    written
  }
  return outcome
}, Effect.scoped)
