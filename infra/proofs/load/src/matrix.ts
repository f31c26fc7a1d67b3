import { say } from "@halles/harness/Progress"
import * as Proof from "@halles/harness/Proof"
import { Settings } from "@halles/infra/Settings"
import { Cause, Clock, Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { writeFileSync } from "node:fs"
import { reasonOf } from "@halles/harness/Reason"
import { BadFlags, defaults, planOf } from "./run/Flags.ts"
import { machine } from "./report/Machine.ts"
import { type Cell, page, text } from "./report/Matrix.ts"
import { run } from "./run/Run.ts"
import { type ScenarioName, scenarios } from "./workload/Scenarios.ts"
import * as Stand from "./run/Stand.ts"
import { summary } from "./report/Summary.ts"

const results = new URL("../RESULTS.md", import.meta.url)

/** Those that need no file. */
const names: ReadonlyArray<ScenarioName> = ["reads", "browse", "cart", "checkout", "mixed", "flash-sale"]
/** A sale of one SKU has no other keys. */
const keysOf = (scenario: ScenarioName, keys: ReadonlyArray<string>): ReadonlyArray<string> =>
  scenario === "flash-sale" ? ["hot:1"] : keys

const flags = {
  scenarios: Flag.String("scenarios").pipe(
    Flag.withDescription("With commas between them"),
    Flag.withDefault(names.join(","))
  ),
  keys: Flag.String("keys").pipe(
    Flag.withDescription("Distributions, with spaces between them"),
    Flag.withDefault("uniform zipf:0.99 hot:1")
  ),
  duration: Flag.Finite("duration").pipe(
    Flag.withDescription("Seconds that are measured in each cell"),
    Flag.withDefault(8)
  ),
  concurrency: Flag.Int("concurrency").pipe(
    Flag.withDescription("Callers that wait for each answer, but in flash-sale"),
    Flag.withDefault(16)
  ),
  write: Flag.Boolean("write").pipe(
    Flag.withDescription("Keep the table in infra/proofs/load/RESULTS.md"),
    Flag.withDefault(false)
  )
}

const isRight = ({ result }: Cell): boolean => !("failed" in result) && summary(result, [], defaults.price).ok

const matrix = Effect.fn("matrix")(function* (options: Command.Command.Config.Infer<typeof flags>) {
  const { concurrency, duration, write } = options
  const wanted = options.scenarios.split(",")
  for (const name of wanted) {
    if (!(name in scenarios) || name === "replay") return yield* new BadFlags({ reason: `no scenario ${name} here` })
  }
  const settings = yield* Settings
  yield* say("starting a cluster of its own")
  const stand = yield* Stand.own(settings)
  const cells: Array<Cell> = []
  for (const scenario of wanted as ReadonlyArray<ScenarioName>) {
    for (const keys of keysOf(scenario, options.keys.split(" ").filter(Boolean))) {
      yield* say(`${scenario} ${keys}`)
      const plan = yield* planOf({
        ...defaults,
        scenario,
        keys,
        duration,
        concurrency: scenario === "flash-sale" ? Option.none() : Option.some(concurrency)
      })
      const result = yield* run(plan, stand).pipe(
        Effect.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : Effect.succeed({ failed: reasonOf(cause) })
        )
      )
      cells.push({ scenario, keys, result })
    }
  }
  yield* Console.log(text(cells, defaults.price))
  const date = new Date(yield* Clock.currentTimeMillis).toISOString().slice(0, 10)
  if (write) {
    const given = `--duration ${duration} --concurrency ${concurrency}`
    const keptPage = page({
      cells,
      pricePerCoreHour: defaults.price,
      date,
      machine: machine(),
      command: `npm run load:matrix -- --write ${given}`,
      settings:
        `Each cell: ${duration} s after ${defaults.warmUp} s of warm-up, ${concurrency} callers in a closed loop, ${defaults.keyCount} keys over three regions, ` +
        `two runners in eu and one each in am and ap; flash-sale: ${defaults.buyers} buyers of ${defaults.units} units within ${duration} s.`
    })
    writeFileSync(results, keptPage)
  }
  const wrong = cells.filter((cell) => !isRight(cell)).length
  yield* Proof.end({ ok: wrong === 0, cells: cells.length, wrong }, wrong === 0)
}, Effect.scoped)

const command = Command.make("load:matrix", flags, matrix).pipe(
  Command.withDescription(
    "Run scenarios times key distributions, each for a short time, on one cluster; prints a table"
  )
)

Proof.run(command)
