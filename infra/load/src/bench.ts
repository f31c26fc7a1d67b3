import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Settings } from "@halles/infra/Settings"
import { Console, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { mkdirSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { durable } from "./bench/Durable.ts"
import type { Figures, Span } from "./bench/Measure.ts"
import { Stage } from "./bench/Stage.ts"
import * as Table from "./bench/Table.ts"

/** What a row may depend on. */
export interface Plan {
  readonly quick: boolean
  readonly span: Span
}

const rows: Readonly<Record<string, (plan: Plan) => Effect.Effect<Figures, Error, Stage>>> = {
  durableUniform: ({ span }) => durable({ row: "durableUniform", keys: 1_000, inFlight: 256, span }),
  durableHot: ({ span }) => durable({ row: "durableHot", keys: 1, inFlight: 256, span })
}

class UnknownRow extends Schema.TaggedError<UnknownRow>()("UnknownRow", { name: Schema.String }) {
  override get message(): string {
    return `There is no row ${this.name}; there are ${Object.keys(rows).join(", ")}`
  }
}

const flags = {
  quick: Flag.Boolean("quick").pipe(
    Flag.withDescription("Shorter spans and smaller fillings: all rows within five minutes"),
    Flag.withDefault(false)
  ),
  only: Flag.String("only").pipe(
    Flag.withDescription("Only these rows, by name, with commas between them"),
    Flag.optional
  ),
  json: Flag.String("json").pipe(Flag.withDescription("Write the last line to this file too"), Flag.optional),
  profile: Flag.String("profile").pipe(
    Flag.withDescription("Write a processor profile of each of our processes into this directory"),
    Flag.optional
  )
}

const bench = Effect.fn("bench")(function* (options: {
  readonly quick: boolean
  readonly only: Option.Option<string>
  readonly json: Option.Option<string>
  readonly profile: Option.Option<string>
}) {
  const names = Option.match(options.only, { onNone: () => Object.keys(rows), onSome: (only) => only.split(",") })
  const chosen = yield* Effect.forEach(names, (name) => {
    const row = Object.hasOwn(rows, name) ? rows[name] : undefined
    return row === undefined ? Effect.fail(new UnknownRow({ name })) : Effect.succeed({ name, row })
  })
  const profile = Option.getOrNull(Option.map(options.profile, (path) => resolve(path)))
  if (profile !== null) mkdirSync(profile, { recursive: true })
  const span = options.quick ? { warmUpMs: 4_000, measureMs: 6_000 } : { warmUpMs: 8_000, measureMs: 20_000 }
  const settings = yield* Settings
  const done: Record<string, Figures> = {}
  yield* Effect.gen(function* () {
    yield* Console.log(Table.head)
    for (const { name, row } of chosen) {
      process.stderr.write(`${name} ...\n`)
      done[name] = yield* row({ quick: options.quick, span })
      yield* Console.log(Table.line(name, done[name]))
    }
    if (profile !== null) for (const line of yield* (yield* Stage).statements) yield* Console.log(line)
  }).pipe(Effect.provide(Stage.layer({ settings, profile })))
  const last = JSON.stringify(done)
  if (Option.isSome(options.json)) writeFileSync(options.json.value, `${last}\n`)
  yield* Console.log(last)
})

const command = Command.make("bench", flags, bench).pipe(
  Command.withDescription(
    "Measure the engine on servers and processes of its own, with fsync on; prints a table, then one line of JSON"
  )
)

Command.run(command, { version: "0.1.0" }).pipe(
  Effect.catch((error) =>
    Effect.sync(() => {
      if (!CliError.isCliError(error)) process.stderr.write(`bench: ${error.message}\n`)
      process.exitCode = 1
    })
  ),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
