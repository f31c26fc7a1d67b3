import { Effect, Option, Result, Schema } from "effect"
import { Flag } from "effect/cli"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import type { Process } from "../workload/Arrivals.ts"
import { parse as parseDisturbance } from "./Disturbance.ts"
import { keyspace, keysMax, parse as parseKeys, type Spec } from "../workload/Keys.ts"
import type { Plan } from "./Run.ts"
import * as Sales from "../workload/Sales.ts"
import { plenty, type ScenarioName, scenarios } from "../workload/Scenarios.ts"
import type { KeyPlan, Pace } from "./Work.ts"

/** What holds where nothing is said, for other programs than the command. */
export const defaults = {
  scenario: "cart" as ScenarioName,
  keys: "uniform",
  keyCount: 600,
  rate: Option.none<number>(),
  arrivals: "poisson" as Process,
  concurrency: Option.none<number>(),
  duration: 30,
  warmUp: 3,
  threads: 2,
  seed: "1",
  running: false,
  cluster: Option.none<string>(),
  direct: false,
  kill: Option.none<string>(),
  freeze: Option.none<string>(),
  join: Option.none<string>(),
  drain: Option.none<string>(),
  buyers: 500,
  units: 100,
  file: Option.none<string>(),
  limit: 1_000,
  price: 0.04,
  html: Option.none<string>(),
  slo: Option.none<string>(),
  json: Option.none<string>()
}

export type Flags = typeof defaults

const finite = (name: string, minimum: number, maximum: number) =>
  Flag.Finite(name).pipe(Flag.withSchema(Schema.Finite.check(Schema.isBetween({ minimum, maximum }))))
const int = (name: string, minimum: number, maximum: number) =>
  Flag.Int(name).pipe(Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum, maximum }))))

const names = Object.keys(scenarios) as ReadonlyArray<ScenarioName>

const withDefault = <A>(otherwise: A, flag: Flag.Flag<A>, description: string) =>
  flag.pipe(Flag.withDescription(description), Flag.withDefault(otherwise))
const optional = <A>(flag: Flag.Flag<A>, description: string) =>
  flag.pipe(Flag.withDescription(description), Flag.optional)

export const flags = {
  scenario: withDefault(
    defaults.scenario,
    Flag.Literals("scenario", names),
    names.map((name) => `${name}: ${scenarios[name].description}`).join("; ")
  ),
  keys: withDefault(
    defaults.keys,
    Flag.String("keys"),
    "uniform, zipf:0.99, hot:1, flash:SKU, region:eu=70,am=20,ap=10 or file:KEYS"
  ),
  keyCount: withDefault(defaults.keyCount, int("key-count", 1, keysMax), "Keys of uniform, zipf and region"),
  rate: optional(
    finite("rate", 0.1, 100_000),
    "Operations that begin in a second, whatever the answers do (open loop)"
  ),
  arrivals: withDefault(
    defaults.arrivals,
    Flag.Literals("arrivals", ["poisson", "constant"]),
    "How they follow each other with --rate"
  ),
  concurrency: optional(
    int("concurrency", 1, 4_096),
    "Callers that wait for each answer (closed loop; 32 if neither this nor --rate is given)"
  ),
  duration: withDefault(defaults.duration, finite("duration", 1, 3_600), "Seconds that are measured"),
  warmUp: withDefault(defaults.warmUp, finite("warm-up", 0, 600), "Seconds before that, which are not measured"),
  threads: withDefault(defaults.threads, int("threads", 1, 32), "Generator threads"),
  seed: withDefault(defaults.seed, Flag.String("seed"), "Keys and arrivals follow from it"),
  running: withDefault(
    defaults.running,
    Flag.Boolean("running"),
    "Load the cluster of npm start instead of one of its own"
  ),
  cluster: optional(
    Flag.Directory("cluster", { mustExist: true }),
    "The same with any cluster of this machine, by its state directory; npm start's is .halles"
  ),
  direct: withDefault(
    defaults.direct,
    Flag.Boolean("direct"),
    "Call the entities as a client of the cluster instead of the edge"
  ),
  kill: optional(Flag.String("kill"), "PROCESS@SECONDS: SIGKILL; several with commas"),
  freeze: optional(Flag.String("freeze"), "PROCESS@SECONDS+FOR: stopped for so long (4 s)"),
  join: optional(Flag.String("join"), "REGION@SECONDS: one more runner"),
  drain: optional(
    Flag.String("drain"),
    "RUNNER@SECONDS: gives its shards away, and takes some again when the run is over"
  ),
  buyers: withDefault(defaults.buyers, int("buyers", 1, 100_000), "Of flash-sale"),
  units: withDefault(defaults.units, int("units", 1, 1_000_000), "Of flash-sale"),
  file: optional(Flag.File("file", { mustExist: true }), "Of replay: invoices as .csv.gz, as for npm run replay"),
  limit: withDefault(defaults.limit, int("limit", 1, 1_000_000), "Of replay: the first so many invoices of the file"),
  price: withDefault(
    defaults.price,
    finite("core-hour-price", 0, 1_000),
    "What a core costs an hour, for the cost of a million operations"
  ),
  html: optional(Flag.String("html"), "Write a report with plots to this file"),
  slo: optional(Flag.String("slo"), "Objectives for exit code 0: p99=250ms,errors=0.1%,rate=500"),
  json: optional(
    Flag.String("json"),
    "Write the last line to this file, with `details`: every shard, key, second and process"
  )
}

export class BadFlags extends Schema.TaggedError<BadFlags>()("BadFlags", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/** What the flags ask for, with what they name read. */
export const planOf = Effect.fnUntraced(function* (options: Flags) {
  const { concurrency, direct, duration, keyCount, scenario, seed, threads, warmUp } = options
  if (Option.isSome(options.rate) && Option.isSome(concurrency)) {
    return yield* new BadFlags({ reason: "--rate is an open loop and --concurrency a closed one: give one of them" })
  }
  const disturbances = yield* Effect.forEach(["kill", "freeze", "join", "drain"] as const, (flag) =>
    Effect.fromResult(
      Option.match(options[flag], { onNone: () => Result.succeed([]), onSome: (text) => parseDisturbance(flag, text) })
    )
  )
  const spec = yield* Effect.fromResult(
    parseKeys(scenario === "flash-sale" && options.keys === "uniform" ? "hot:1" : options.keys)
  )
  const isReplay = scenario === "replay"
  if (isReplay && Option.isNone(options.file)) return yield* new BadFlags({ reason: "replay needs --file" })
  // A list of arrivals begins with the measured span.
  const warmUpMs = paceIsGiven(options) || !(isReplay || scenario === "flash-sale") ? warmUp * 1000 : 0
  const sales =
    isReplay && Option.isSome(options.file)
      ? yield* Sales.read(options.file.value, options.limit, duration * 1000)
      : null
  const keys: KeyPlan = {
    spec: sales === null ? spec : { _tag: "File", path: "of the sales" },
    count: keyCount,
    run: `L${randomBytes(5).toString("hex")}`,
    lines: sales?.lines ?? (yield* linesOf(spec))
  }
  const { keys: laidOut } = yield* Effect.fromResult(keyspace(keys.spec, keys))
  const plan: Plan = {
    scenario,
    keys,
    pace: paceOf(options, sales),
    sales: sales?.sales(laidOut) ?? [],
    stock: scenario === "flash-sale" ? options.units : plenty,
    warmUpMs,
    durationMs: duration * 1000,
    threads,
    direct,
    seed,
    disturbances: disturbances.flat()
  }
  return plan
})

const linesOf = (spec: Spec) =>
  spec._tag === "File"
    ? Effect.try({
        try: () => readFileSync(spec.path, "utf8"),
        catch: (cause) => new BadFlags({ reason: `--keys: ${String(cause)}` })
      })
    : Effect.succeed("")

const paceIsGiven = ({ concurrency, rate }: Flags): boolean => Option.isSome(rate) || Option.isSome(concurrency)

const paceOf = (options: Flags, sales: Sales.Sales | null): Pace => {
  const { arrivals, buyers, concurrency, duration, rate, scenario } = options
  if (Option.isSome(rate)) return { _tag: "Open", process: arrivals, perSecond: rate.value }
  if (Option.isNone(concurrency) && sales !== null) return { _tag: "Listed", atMs: sales.atMs }
  if (Option.isNone(concurrency) && scenario === "flash-sale") {
    // All of them come within the span, evenly.
    return { _tag: "Listed", atMs: Array.from({ length: buyers }, (_, n) => (n / buyers) * duration * 1000) }
  }
  return { _tag: "Closed", callers: Option.getOrElse(concurrency, () => 32) }
}

/** What was asked for in a few words: `checkout, zipf:0.99 over 600 keys, 20 a second (poisson)`. */
export const settingOf = ({ arrivals, keys }: Flags, { direct, keys: { count }, pace, scenario }: Plan): string => {
  const of = /^(uniform|zipf|region)/.test(keys) ? ` over ${count} keys` : ""
  const how = () => {
    switch (pace._tag) {
      case "Open":
        return `${pace.perSecond} a second (${arrivals})`
      case "Closed":
        return `${pace.callers} callers`
      case "Listed":
        return `${pace.atMs.length} arrivals of a list`
    }
  }
  return `${scenario}, ${keys}${of}, ${how()}${direct ? ", past the edge" : ""}`
}
