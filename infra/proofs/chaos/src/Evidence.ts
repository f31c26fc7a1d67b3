import { audit, type Row } from "@halles/harness/Books"
import * as Journals from "@halles/harness/Journals"
import { say, showing } from "@halles/harness/Progress"
import { addressed, client } from "@halles/harness/ProofCluster"
import { check } from "@halles/infra/programs/CheckProgram"
import { Cluster } from "@halles/infra/cluster/Cluster"
import { runnerPlaces } from "@halles/infra/cluster/Regions"
import { Intents } from "@halles/shared/Intent"
import { Console, Effect, Fiber, Layer, Redacted } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { acknowledged as acknowledgedOf, type Call, doneByType } from "./Call.ts"
import * as Catalogue from "./Catalogue.ts"
import { Direct } from "./Direct.ts"
import { Edge } from "./Edge.ts"
import * as FaultSchedule from "./FaultSchedule.ts"
import * as Judgement from "./Judgement.ts"
import * as Nemesis from "./Nemesis.ts"
import type { Network } from "./Network.ts"
import * as Plan from "./Plan.ts"
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
  /** Commands that were done, by entity type. */
  readonly done: Readonly<Record<string, number>>
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
const recorder = Layer.unwrap(
  Effect.map(Cluster, ({ edgeUrl, parts }) =>
    Recorder.layer.pipe(
      Layer.provide(Direct.layer.pipe(Layer.provide(client(addressed("chaos", parts))))),
      Layer.provideMerge(Edge.layer(edgeUrl))
    )
  )
)

/** All that is known of a run once its cluster has stopped. */
export interface Evidence {
  readonly calls: ReadonlyArray<Call>
  readonly journal: ReadonlyArray<Row>
  readonly acknowledged: ReturnType<typeof acknowledgedOf>
  readonly faults: ReadonlyArray<FaultSchedule.Fault>
  readonly recovered: Recovery.Recovered
  /** Violations that the check program found. */
  readonly broke: number
  /** Orders whose saga did not end. */
  readonly endless: ReadonlyArray<string>
}

/** Breaks a running cluster while it is used, mends it, and collects what clients were told and what is in the journals. */
export const collect = Effect.fn("Evidence.collect")(function* (options: Options, network: Network) {
  const { parts } = yield* Cluster
  const { calls } = yield* Recorder
  const seed = String(options.seed)
  const world = new World(seed, Intents.make(Redacted.make(parts.secrets.intentKey)))
  yield* say("putting the catalogue on sale")
  const { sell } = yield* Edge
  yield* sell(Catalogue.importRows, parts.secrets.importToken)

  const faults = yield* underFaults(options, seed, world, network)
  const healedAt = performance.now()
  yield* say("all faults are over: asking every key until it answers")
  const recovered = yield* Recovery.everyKeyAnswers(healedAt)
  const { keys, slowest, worstMs } = recovered
  yield* say(`${keys} keys answer, ${slowest} last, after ${worstMs ?? "more than 30,000"} ms`)
  yield* say("giving back what is held, and waiting for sagas to end")
  yield* Recovery.tidyUp(world, seed)
  const endless = yield* Recovery.sagasEnd()

  yield* say("checking the invariants")
  const acknowledged = acknowledgedOf(calls)
  const { violations: broke } = yield* check(parts, acknowledged)
  const journal = yield* Journals.read(parts)
  // Everything, to be looked at afterwards: the directory is emptied by the next run.
  const everything = [...calls, ...journal].map((one) => `${JSON.stringify(one)}\n`)
  writeFileSync(join(parts.layout.directory, "evidence.jsonl"), everything.join(""))
  const evidence: Evidence = { calls, journal, acknowledged, faults, recovered, broke, endless }
  return evidence
}, Effect.provide(recorder))

/** Judges the evidence; prints what is wrong with it. */
export const judge = Effect.fn("Evidence.judge")(function* (options: Options, evidence: Evidence) {
  const { acknowledged, broke, calls, endless, faults, journal, recovered } = evidence
  const violations = Judgement.judge(calls, journal)
  const commands = acknowledged.map((one) => ({ ...one, effect: null }))
  const { duplicated, lost } = audit(commands, journal, { uniqueLines: false })
  for (const violation of violations.slice(0, printedMax)) yield* Console.log(`${Judgement.printed(violation)}\n`)
  for (const line of lost.slice(0, printedMax)) yield* Console.log(`acknowledged and lost: ${line}`)
  for (const line of duplicated.slice(0, printedMax)) yield* Console.log(`done twice: ${line}`)
  for (const id of endless.slice(0, printedMax)) yield* Console.log(`the saga of ${id} does not end`)
  for (const key of recovered.silent.slice(0, printedMax)) yield* Console.log(`${key} never answered again`)
  const summary: Summary = {
    seed: options.seed,
    operations: calls.length,
    done: doneByType(calls),
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
  network: Network
) {
  const { calls } = yield* Recorder
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
  const breaking = Effect.forEach(
    faults,
    (fault) =>
      Effect.delay(
        Effect.andThen(say(FaultSchedule.describe(fault)), Nemesis.perform(fault, world, network)),
        Math.max(0, startedAt + fault.atMs - performance.now())
      ),
    { concurrency: "unbounded", discard: true }
  )
  const rest = Effect.suspend(() => Effect.sleep(Math.max(0, startedAt + seconds * 1_000 - performance.now())))
  yield* showing(() => progress(calls, startedAt), Effect.andThen(breaking, rest))
  // A step that waits for a call without an answer is not waited for: its call stands as unknown.
  yield* Fiber.interrupt(working)
  return faults
})

const progress = (calls: ReadonlyArray<Call>, startedAt: number): string => {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
  const unknown = calls.filter(({ answer }) => answer._tag === "Unknown").length
  return `${seconds} s: ${calls.length} calls, ${unknown} of them without an answer`
}
