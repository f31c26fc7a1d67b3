import { say } from "@halles/harness/Progress"
import * as Proof from "@halles/harness/Proof"
import { Settings } from "@halles/infra/Settings"
import { Console, Effect, Option, Result } from "effect"
import { Command } from "effect/cli"
import { writeFileSync } from "node:fs"
import { details } from "./report/Details.ts"
import { html } from "./report/HtmlReport.ts"
import { type Flags, flags, planOf, settingOf } from "./run/Flags.ts"
import { run } from "./run/Run.ts"
import * as Slo from "./report/Slo.ts"
import * as Stand from "./run/Stand.ts"
import { summary } from "./report/Summary.ts"
import { text } from "./report/Terminal.ts"

const load = Effect.fn("load")(function* (options: Flags) {
  const plan = yield* planOf(options)
  const objectives = yield* Effect.fromResult(
    Option.match(options.slo, { onNone: () => Result.succeed([]), onSome: Slo.parse })
  )
  const settings = yield* Settings
  const isThere = options.running || Option.isSome(options.cluster)
  if (!isThere) yield* say("starting a cluster of its own")
  const stand = yield* isThere ? Stand.existing(settings, options.cluster) : Stand.own(settings)
  const outcome = yield* run(plan, stand)
  const missed = Slo.missed(objectives, outcome.analysis)
  const last = summary(outcome, missed, options.price)
  yield* Console.log(text(outcome, options.price))
  for (const objective of missed) yield* Console.log(`objective missed: ${objective}`)
  const known = details({
    outcome,
    summary: last,
    setting: settingOf(options, plan),
    objectives: Option.getOrNull(options.slo),
    pricePerCoreHour: options.price
  })
  if (Option.isSome(options.html)) writeFileSync(options.html.value, html(known))
  yield* Proof.end(last, last.ok, options.json, { details: known })
}, Effect.scoped)

const command = Command.make("load", flags, load).pipe(
  Command.withDescription(
    `Drives a cluster with chosen shard keys, finds hot shards, and proves that answers were right as well as fast.

Starts a cluster of its own unless --running is given. Latency counts from when an operation was meant to begin. After the run
every answer is held against the journals and npm run check proves the invariants. The last line of stdout is JSON; the exit
code is 0 only if the books balance and the objectives of --slo are met. No figures are given when the generator itself was
the bottleneck.`
  ),
  Command.withExamples([
    { command: "npm run load -- --scenario cart --keys zipf:0.99 --rate 300", description: "Skewed carts, open loop" },
    { command: "npm run load -- --scenario checkout --concurrency 16", description: "Orders, closed loop" }
  ])
)

Proof.run(command)
