import * as Proof from "@halles/harness/Proof"
import { say } from "@halles/harness/Progress"
import { Settings } from "@halles/infra/Settings"
import { Cause, Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { mkdirSync } from "node:fs"
import { resolve } from "node:path"
import { activate } from "./rows/Activate.ts"
import { checkout, checkoutHot } from "./rows/Checkout.ts"
import { durable, durableHot } from "./rows/Durable.ts"
import { edgeRows } from "./rows/EdgeRows.ts"
import { failoverRow } from "./rows/Failover.ts"
import { project } from "./rows/Project.ts"
import { resident } from "./rows/Resident.ts"
import { rpc } from "./rows/Rpc.ts"
import { grow } from "./rows/Grow.ts"
import { reasonOf } from "@halles/harness/Reason"
import type { Figures } from "./Measure.ts"
import type { Measurement } from "./Measurement.ts"
import { Stage } from "./Stage.ts"
import * as Table from "./Table.ts"
import * as Targets from "./Targets.ts"
import { wholeCluster } from "./rows/WholeCluster.ts"

/** In the order in which they run. */
const measurements: ReadonlyArray<Measurement> = [
  rpc,
  durable,
  durableHot,
  checkout,
  checkoutHot,
  project,
  activate,
  resident,
  grow,
  failoverRow,
  edgeRows,
  wholeCluster
]
const rows = measurements.flatMap((measurement) => measurement.rows)

/** A measurement that takes longer hangs. */
const deadline = { quick: "6 minutes", full: "15 minutes" } as const

class UnknownRow extends Schema.TaggedError<UnknownRow>()("UnknownRow", { name: Schema.String }) {
  override get message(): string {
    return `There is no row ${this.name}; there are ${rows.join(", ")}`
  }
}

const flags = {
  quick: Flag.Boolean("quick").pipe(
    Flag.withDescription("Shorter spans and smaller fillings: all rows but failover, within five minutes"),
    Flag.withDefault(false)
  ),
  only: Flag.String("only").pipe(
    Flag.withDescription("Only these rows, by name, with commas between them"),
    Flag.optional
  ),
  json: Proof.json,
  profile: Flag.String("profile").pipe(
    Flag.withDescription("Write a processor profile of each of our processes into this directory"),
    Flag.optional
  )
}

type Outcome = Figures | { readonly failed: string }

/** One measurement after the other; what fails leaves its rows with the reason, and the others go on. */
const measure = Effect.fnUntraced(function* (wanted: ReadonlySet<string>, quick: boolean, profiled: boolean) {
  const stage = yield* Stage
  const done: Record<string, Outcome> = {}
  yield* Console.log(Table.head)
  for (const { rows, run } of measurements) {
    const missing = () => rows.filter((row) => wanted.has(row) && done[row] === undefined)
    if (missing().length === 0) continue
    yield* say(missing().join(", "))
    yield* Effect.andThen(
      stage.emptied,
      run({
        quick,
        // V8 is still compiling ten seconds after a process has begun to work, and uses a fifth of its processor time for it.
        span: quick ? { warmUpMs: 12_000, measureMs: 5_000 } : { warmUpMs: 30_000, measureMs: 20_000 },
        wants: (row) => wanted.has(row),
        report: (row, figures) => {
          done[row] = figures
          return Console.log(Table.line(row, figures))
        }
      })
    ).pipe(
      Effect.timeout(deadline[quick ? "quick" : "full"]),
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.failCause(cause)
          : Effect.forEach(
              missing(),
              (row) => {
                const failed = reasonOf(cause)
                done[row] = { failed }
                return Console.log(`${row} failed: ${failed}`)
              },
              { discard: true }
            )
      )
    )
  }
  if (profiled) for (const line of yield* stage.statements) yield* Console.log(line)
  return done
})

const bench = Effect.fn("bench")(function* (options: Command.Command.Config.Infer<typeof flags>) {
  // The disturbances take their time, which a quick look has not; the edge is measured by a command of its own.
  const apart = [...edgeRows.rows, ...(options.quick ? [...failoverRow.rows, ...wholeCluster.rows] : [])]
  const usual = rows.filter((row) => !apart.includes(row))
  const wanted = new Set(Option.match(options.only, { onNone: () => usual, onSome: (only) => only.split(",") }))
  for (const name of wanted) if (!rows.includes(name)) return yield* new UnknownRow({ name })
  const profile = Option.getOrNull(Option.map(options.profile, (path) => resolve(path)))
  if (profile !== null) mkdirSync(profile, { recursive: true })
  const settings = yield* Settings
  const done = yield* measure(wanted, options.quick, profile !== null).pipe(
    Effect.provide(Stage.layer({ settings, profile }))
  )
  const last = Object.fromEntries(
    Object.entries(done).map(([name, row]) => [name, "failed" in row ? row : Targets.json(row)] as const)
  )
  const isWhole = Object.values(done).every((row) => !("failed" in row))
  yield* Proof.end(last, isWhole, options.json)
})

const command = Command.make("bench", flags, bench).pipe(
  Command.withDescription(
    "Measure the engine on servers and processes of its own, with fsync on; prints a table, then one line of JSON"
  )
)

Proof.run(command)
