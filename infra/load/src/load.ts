import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Settings } from "@halles/infra/Settings"
import { Console, Effect, Exit, Logger, Option, Result, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { keysMax, parse as parseKeys } from "./load/Keys.ts"
import { progress, say } from "./load/Progress.ts"
import { type Plan, run } from "./load/Run.ts"
import { type ScenarioName, scenarios } from "./load/Scenarios.ts"
import * as Slo from "./load/Slo.ts"
import * as Stand from "./load/Stand.ts"
import { summary } from "./load/Summary.ts"
import { text } from "./load/Terminal.ts"

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const names = Object.keys(scenarios) as ReadonlyArray<ScenarioName>

const flags = {
  scenario: Flag.Literals("scenario", names).pipe(
    Flag.withDescription(names.map((name) => `${name}: ${scenarios[name].description}`).join("; ")),
    Flag.withDefault("cart" as const)
  ),
  keys: Flag.String("keys").pipe(
    Flag.withDescription("uniform, zipf:0.99, hot:1, flash:SKU, region:eu=70,am=20,ap=10 or file:KEYS"),
    Flag.withDefault("uniform")
  ),
  keyCount: Flag.Int("key-count").pipe(
    Flag.withSchema(whole(1, keysMax)),
    Flag.withDescription("Keys of uniform, zipf and region"),
    Flag.withDefault(600)
  ),
  rate: Flag.Finite("rate").pipe(
    Flag.withSchema(between(0.1, 100_000)),
    Flag.withDescription("Operations that begin in a second, whatever the answers do (open loop)"),
    Flag.optional
  ),
  arrivals: Flag.Literals("arrivals", ["poisson", "constant"]).pipe(
    Flag.withDescription("How they follow each other with --rate"),
    Flag.withDefault("poisson" as const)
  ),
  concurrency: Flag.Int("concurrency").pipe(
    Flag.withSchema(whole(1, 4_096)),
    Flag.withDescription("Callers that wait for each answer (closed loop; 32 if neither this nor --rate is given)"),
    Flag.optional
  ),
  duration: Flag.Finite("duration").pipe(
    Flag.withSchema(between(1, 3_600)),
    Flag.withDescription("Seconds that are measured"),
    Flag.withDefault(30)
  ),
  warmUp: Flag.Finite("warm-up").pipe(
    Flag.withSchema(between(0, 600)),
    Flag.withDescription("Seconds before that, which are not measured"),
    Flag.withDefault(3)
  ),
  threads: Flag.Int("threads").pipe(
    Flag.withSchema(whole(1, 32)),
    Flag.withDescription("Generator threads"),
    Flag.withDefault(2)
  ),
  seed: Flag.String("seed").pipe(Flag.withDescription("Keys and arrivals follow from it"), Flag.withDefault("1")),
  running: Flag.Boolean("running").pipe(
    Flag.withDescription("Load the cluster of npm start instead of one of its own"),
    Flag.withDefault(false)
  ),
  direct: Flag.Boolean("direct").pipe(
    Flag.withDescription("Call the entities as a client of the cluster instead of the edge"),
    Flag.withDefault(false)
  ),
  slo: Flag.String("slo").pipe(
    Flag.withDescription("Objectives for exit code 0: p99=250ms,errors=0.1%,rate=500"),
    Flag.optional
  ),
  json: Flag.String("json").pipe(Flag.withDescription("Write the last line to this file too"), Flag.optional)
}
type Flags = Command.Command.Config.Infer<typeof flags>

class BadFlags extends Schema.TaggedError<BadFlags>()("BadFlags", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const planOf = Effect.fnUntraced(function* (options: Flags) {
  const { arrivals, concurrency, direct, duration, keyCount, rate, scenario, seed, threads, warmUp } = options
  if (Option.isSome(rate) && Option.isSome(concurrency)) {
    return yield* new BadFlags({ reason: "--rate is an open loop and --concurrency a closed one: give one of them" })
  }
  const spec = yield* Effect.fromResult(parseKeys(options.keys))
  const lines =
    spec._tag === "File"
      ? yield* Effect.try({
          try: () => readFileSync(spec.path, "utf8"),
          catch: (cause) => new BadFlags({ reason: `--keys: ${String(cause)}` })
        })
      : ""
  const plan: Plan = {
    scenario,
    keys: { spec, count: keyCount, run: `L${randomBytes(5).toString("hex")}`, lines },
    pace: Option.isSome(rate)
      ? { _tag: "Open", process: arrivals, perSecond: rate.value }
      : { _tag: "Closed", callers: Option.getOrElse(concurrency, () => 32) },
    warmUpMs: warmUp * 1000,
    durationMs: duration * 1000,
    threads,
    direct,
    seed
  }
  return plan
})

const load = Effect.fn("load")(function* (options: Flags) {
  const plan = yield* planOf(options)
  const objectives = yield* Effect.fromResult(
    Option.match(options.slo, { onNone: () => Result.succeed([]), onSome: Slo.parse })
  )
  const settings = yield* Settings
  if (!options.running) yield* say("starting a cluster of its own")
  const stand = yield* options.running ? Stand.existing(settings) : Stand.own(settings)
  const outcome = yield* run(plan, stand, progress())
  const missed = Slo.missed(objectives, outcome.analysis)
  const last = summary(outcome, missed)
  yield* Console.log(text(outcome))
  for (const objective of missed) yield* Console.log(`objective missed: ${objective}`)
  const line = JSON.stringify(last)
  yield* Console.log(line)
  yield* Effect.sync(() => {
    if (Option.isSome(options.json)) writeFileSync(options.json.value, `${line}\n`)
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
