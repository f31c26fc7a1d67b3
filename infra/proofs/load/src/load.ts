import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Settings } from "@halles/infra/Settings"
import { Console, Effect, Exit, Logger, Option, Result } from "effect"
import { CliError, Command } from "effect/cli"
import { writeFileSync } from "node:fs"
import { details } from "./report/Details.ts"
import { html } from "./report/Html.ts"
import { type Flags, flags, planOf, settingOf } from "./run/Flags.ts"
import { progress, say } from "./run/Progress.ts"
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
  const outcome = yield* run(plan, stand, progress())
  const missed = Slo.missed(objectives, outcome.analysis)
  const last = summary(outcome, missed, options.price)
  yield* Console.log(text(outcome, options.price))
  for (const objective of missed) yield* Console.log(`objective missed: ${objective}`)
  const line = JSON.stringify(last)
  yield* Console.log(line)
  yield* Effect.sync(() => {
    const known = details({
      outcome,
      summary: last,
      setting: settingOf(options, plan),
      objectives: Option.getOrNull(options.slo),
      pricePerCoreHour: options.price
    })
    if (Option.isSome(options.html)) writeFileSync(options.html.value, html(known))
    if (Option.isSome(options.json))
      writeFileSync(options.json.value, `${JSON.stringify({ ...last, details: known })}\n`)
    process.exitCode = last.ok ? 0 : 1
  })
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

Command.run(command, { version: "0.1.0" }).pipe(
  Effect.tapError((error) =>
    Effect.sync(() => {
      if (!CliError.isCliError(error)) process.stderr.write(`load: ${error.message}\n`)
    })
  ),
  Effect.provide([NodeServices.layer, Logger.layer([])]),
  (program) =>
    NodeRuntime.runMain(program, {
      disableErrorReporting: true,
      teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(process.exitCode ?? 0) : 1)
    })
)
