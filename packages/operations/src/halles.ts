import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { RegionDatabases } from "@halles/entities/Reads"
import * as Postgres from "@halles/shared/Postgres"
import { Config, Effect, Exit, Layer } from "effect"
import { CliError, Command } from "effect/cli"
import { clusterCommands } from "./inspector/ClusterCommands.ts"
import { doctor } from "./inspector/DoctorCommand.ts"
import { entityCommands } from "./inspector/EntityCommands.ts"
import { list } from "./inspector/ListCommand.ts"
import { saga } from "./inspector/SagaCommands.ts"
import { trace } from "./inspector/TraceCommand.ts"
import { whatIf } from "./inspector/WhatIfCommand.ts"

/** An inspector looks at one thing at a time. */
const connectionsMax = 2
const applicationName = "halles:inspector"

const Urls = Config.all({
  eu: Config.Redacted("HALLES_PG_EU_URL"),
  am: Config.Redacted("HALLES_PG_AM_URL"),
  ap: Config.Redacted("HALLES_PG_AP_URL"),
  control: Config.Redacted("HALLES_PG_CONTROL_URL")
})

/** The databases, as the reading role sees them; of a stopped cluster too, since nobody else is asked. */
const Databases = Layer.unwrap(
  Effect.gen(function* () {
    const { control, ...urls } = yield* Urls
    return Layer.merge(
      RegionDatabases.layer({ urls, applicationName, connectionsMax }),
      Postgres.layer({ url: control, applicationName, connectionsMax })
    )
  })
)

const halles = Command.make("halles").pipe(
  Command.withDescription(
    "Look into a cluster: entities, their histories and timers, sagas, shards. It only reads, and hides personal data. " +
      "Exit codes: 0 done, 1 not found or something to look at, 2 typed wrong, 3 no cluster was ever started here"
  ),
  Command.withSubcommands([...entityCommands, list, trace, whatIf, saga, ...clusterCommands, doctor]),
  Command.provide(Databases)
)

Command.runWith(halles, { version: "0.1.0" })(process.argv.slice(2)).pipe(
  Effect.catch((error) =>
    Effect.sync(() => {
      // What was typed wrong has been explained by the command line itself.
      if (CliError.isCliError(error)) process.exitCode = 2
      else {
        process.stderr.write(`halles: ${error.message}\n`)
        process.exitCode = error._tag === "BadRef" || error._tag === "BadTime" || error._tag === "BadCommand" ? 2 : 1
      }
    })
  ),
  Effect.provide(NodeServices.layer),
  (program) =>
    NodeRuntime.runMain(program, {
      teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(process.exitCode ?? 0) : 130)
    })
)
