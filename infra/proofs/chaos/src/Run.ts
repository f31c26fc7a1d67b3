import { check } from "@halles/infra/programs/CheckProgram"
import { Cluster } from "@halles/infra/cluster/Cluster"
import * as Environment from "@halles/infra/Environment"
import * as Layout from "@halles/infra/Layout"
import { ports } from "@halles/infra/cluster/Ports"
import { runnerPlaces } from "@halles/infra/cluster/Regions"
import { secrets } from "@halles/infra/servers/Secrets"
import * as ClusterClient from "@halles/engine/cluster/ClusterClient"
import { Intents } from "@halles/shared/Intent"
import { Nats } from "@halles/shared/clients/Nats"
import * as Postgres from "@halles/shared/clients/Postgres"
import type { Region } from "@halles/shared/Region"
import { Console, Effect, Fiber, Layer, Redacted } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Books from "./Books.ts"
import type { Call } from "./Call.ts"
import * as Catalogue from "./Catalogue.ts"
import { Direct } from "./Direct.ts"
import { Edge } from "./Edge.ts"
import * as FaultSchedule from "./FaultSchedule.ts"
import * as Histories from "./Histories.ts"
import * as Judgement from "./Judgement.ts"
import * as Nemesis from "./Nemesis.ts"
import type { Network } from "./Network.ts"
import * as Plan from "./Plan.ts"
import { phase, say } from "./Progress.ts"
import { Recorder } from "./Recorder.ts"
import * as Recovery from "./Recovery.ts"
import * as Sessions from "./Sessions.ts"
import { World } from "./World.ts"

export interface Options {
  readonly seed: number
  readonly seconds: number
  readonly nemeses: ReadonlyArray<FaultSchedule.Nemesis>
}

/** Clients that call at a time, and how often each does. */
const sessions = 48
const everyMs = 300

/** After which no answer of a running system may be missing. */
export const recoveredMsMax = 5_000
/** What is found is printed up to so many times. */
const printedMax = 5

/** The last line of stdout. `recoveredMs` is `null` when some key never answered again. */
export interface Summary {
  readonly seed: number
  readonly operations: number
  readonly faults: number
  readonly violations: number
  readonly lost: number
  readonly duplicated: number
  readonly recoveredMs: number | null
  /** Calls whose outcome the client never learned. */
  readonly unknown: number
  readonly keys: number
  readonly seconds: number
}
export const isProof = ({ duplicated, lost, recoveredMs, violations }: Summary): boolean =>
  violations === 0 && lost === 0 && duplicated === 0 && recoveredMs !== null && recoveredMs <= recoveredMsMax

/** What the calls need of the running cluster: a client past the edge, and the edge. */
const recorder = (layout: Layout.Layout) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { edgeUrl, servers } = yield* Cluster
      const parts = { layout, secrets: yield* secrets(layout), addresses: servers }
      const control = Redacted.make(Environment.databaseUrl(parts, "halles_edge", "control"))
      const client = ClusterClient.layer({ region: "chaos" }).pipe(
        Layer.provide([
          Nats.layer({ url: Redacted.make(servers.nats), name: "chaos" }),
          Postgres.layer({ url: control, applicationName: "halles:chaos:control", connectionsMax: 3 })
        ])
      )
      return Recorder.layer.pipe(
        Layer.provide(Direct.layer.pipe(Layer.provide(client))),
        Layer.provideMerge(Edge.layer(edgeUrl))
      )
    })
  )

/** All that is known of a run once its cluster has stopped. */
export interface Evidence {
  readonly calls: ReadonlyArray<Call>
  readonly histories: Histories.Histories
  readonly acknowledged: ReadonlyArray<Books.Acknowledged>
  readonly faults: ReadonlyArray<FaultSchedule.Fault>
  readonly recovered: Recovery.Recovered
  /** Violations that the check program found. */
  readonly broke: number
  /** Orders whose saga did not end. */
  readonly endless: ReadonlyArray<string>
}

/** Breaks a running cluster while it is used, mends it, and collects what clients were told and what is in the journals. */
export const collect = Effect.fn("Run.collect")(function* (options: Options, layout: Layout.Layout, network: Network) {
  return yield* Effect.provide(broken(options, layout, network), recorder(layout))
})

const broken = Effect.fnUntraced(function* (options: Options, layout: Layout.Layout, network: Network) {
  const { clientEnvironment, proverEnvironment } = yield* Cluster
  const { calls } = yield* Recorder
  const seed = String(options.seed)
  const { intentKey } = yield* secrets(layout)
  const world = new World(seed, Intents.make(Redacted.make(intentKey)))
  yield* phase("putting the catalogue on sale")
  const { importCatalog } = yield* Edge
  yield* importCatalog(Catalogue.importRows, clientEnvironment["HALLES_IMPORT_TOKEN"] ?? "")

  const faults = yield* underFaults(options, seed, world, layout, network)
  const healedAt = performance.now()
  yield* phase("all faults are over: asking every key until it answers")
  const recovered = yield* Recovery.everyKeyAnswers(healedAt)
  const { keys, slowest, worstMs } = recovered
  yield* say(`${keys} keys answer, ${slowest} last, after ${worstMs ?? "more than 30,000"} ms`)
  yield* phase("giving back what is held, and waiting for sagas to end")
  yield* Recovery.tidyUp(world, seed)
  const endless = yield* Recovery.sagasEnd()

  yield* phase("checking the invariants")
  const acknowledged = Books.acknowledged(calls)
  const file = join(layout.directory, "acknowledged.jsonl")
  writeFileSync(file, acknowledged.map((one) => `${JSON.stringify(one)}\n`).join(""))
  const { violations: broke } = yield* check(proverEnvironment, file)
  const histories = yield* Histories.read({
    eu: proverEnvironment["HALLES_PG_EU_URL"] ?? "",
    am: proverEnvironment["HALLES_PG_AM_URL"] ?? "",
    ap: proverEnvironment["HALLES_PG_AP_URL"] ?? ""
  } satisfies Record<Region, string>)
  // Everything, to be looked at afterwards: the directory is emptied by the next run.
  const everything = [...calls, ...[...histories.values()].flat()]
  writeFileSync(join(layout.directory, "evidence.jsonl"), everything.map((one) => `${JSON.stringify(one)}\n`).join(""))
  const evidence: Evidence = { calls, histories, acknowledged, faults, recovered, broke, endless }
  return evidence
})

/** Judges the evidence; prints what is wrong with it. */
export const judge = Effect.fn("Run.judge")(function* (options: Options, evidence: Evidence) {
  const { acknowledged, broke, calls, endless, faults, histories, recovered } = evidence
  const violations = Judgement.judge(calls, histories)
  const lost = Books.lost(acknowledged, histories)
  const duplicated = Books.duplicated(histories)
  for (const violation of violations.slice(0, printedMax)) yield* Console.log(`${Judgement.printed(violation)}\n`)
  for (const line of lost.slice(0, printedMax)) yield* Console.log(`acknowledged and lost: ${line}`)
  for (const line of duplicated.slice(0, printedMax)) yield* Console.log(`done twice: ${line}`)
  for (const id of endless.slice(0, printedMax)) yield* Console.log(`the saga of ${id} does not end`)
  for (const key of recovered.silent.slice(0, printedMax)) yield* Console.log(`${key} never answered again`)
  const summary: Summary = {
    seed: options.seed,
    operations: calls.length,
    faults: faults.length,
    violations: violations.length + broke + endless.length,
    lost: lost.length,
    duplicated: duplicated.length,
    recoveredMs: recovered.worstMs,
    unknown: calls.filter(({ answer }) => answer._tag === "Unknown").length,
    keys: recovered.keys,
    seconds: Math.round(performance.now() / 1_000)
  }
  if (!isProof(summary)) yield* Console.log(explained(options, faults))
  return summary
})

/** How to see it again. */
const explained = ({ nemeses, seconds, seed }: Options, faults: ReadonlyArray<FaultSchedule.Fault>): string =>
  [
    "the faults of this seed:",
    ...faults.map((fault) => `  ${FaultSchedule.describe(fault)}`),
    `again: npm run chaos -- --seed ${seed} --seconds ${seconds} --nemesis ${nemeses.join(",")}`
  ].join("\n")

/** The workload, with the faults beside it; ends when both have. */
const underFaults = Effect.fnUntraced(function* (
  { nemeses, seconds }: Options,
  seed: string,
  world: World,
  layout: Layout.Layout,
  network: Network
) {
  const { calls } = yield* Recorder
  const partners = Nemesis.partnersOf(ports(layout.portBase), yield* secrets(layout))
  const runners = runnerPlaces().map(({ id }) => id)
  const faults = FaultSchedule.make({ seed, seconds, nemeses, runners })
  const plan = Plan.make({ seed, seconds, sessions, everyMs })
  const startedAt = performance.now()
  const working = yield* Effect.forkChild(
    Effect.forEach(plan, (steps, session) => Sessions.run(session, steps, world, startedAt), {
      concurrency: "unbounded",
      discard: true
    })
  )
  const telling = yield* Effect.forkChild(
    Effect.forever(
      Effect.delay(
        Effect.suspend(() => say(progress(calls, startedAt))),
        "5 seconds"
      )
    )
  )
  yield* Effect.forEach(
    faults,
    (fault) =>
      Effect.delay(
        Effect.andThen(say(FaultSchedule.describe(fault)), Nemesis.perform(fault, world, network, partners)),
        Math.max(0, startedAt + fault.atMs - performance.now())
      ),
    { concurrency: "unbounded", discard: true }
  )
  yield* Effect.sleep(Math.max(0, startedAt + seconds * 1_000 - performance.now()))
  yield* Fiber.interrupt(telling)
  // A step that waits for a call without an answer is not waited for: its call stands as unknown.
  yield* Fiber.interrupt(working)
  return faults
})

const progress = (calls: ReadonlyArray<Call>, startedAt: number): string => {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
  const unknown = calls.filter(({ answer }) => answer._tag === "Unknown").length
  return `${seconds} s: ${calls.length} calls, ${unknown} of them without an answer`
}
