import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import * as Postgres from "@halles/shared/clients/Postgres"
import { Config, Effect, Exit, Layer } from "effect"
import { CliError, Command } from "effect/cli"
import { clusterCommands } from "./inspector/ClusterCommands.ts"
import { doctor } from "./inspector/DoctorCommand.ts"
import { entityCommands } from "./inspector/EntityCommands.ts"
import { list } from "./inspector/ListCommand.ts"
import { saga } from "./inspector/SagaCommands.ts"
import { trace } from "./inspector/TraceCommand.ts"
import { whatIf } from "./inspector/WhatIfCommand.ts"
import { catalog } from "./merchant/CatalogCommands.ts"
import { category } from "./merchant/CategoryCommands.ts"
import { media } from "./merchant/MediaCommands.ts"
import { product } from "./merchant/ProductCommands.ts"
import { search } from "./merchant/SearchCommands.ts"
import { changeCommands } from "./operator/ChangeCommands.ts"
import { streamCommands } from "./operator/StreamCommands.ts"
import { watch } from "./operator/WatchCommand.ts"

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
    "Look into a cluster and operate it. What looks reads the databases, of a stopped cluster too, and hides personal data; what " +
      "changes something asks the operator process, needs --reason, and asks first unless --yes is given. " +
      "Exit codes: 0 done, 1 not found or something to look at, 2 typed wrong or not confirmed, 3 no cluster was ever started here, " +
      "4 not signed in or not allowed, 5 not possible now, 6 no answer"
  ),
  Command.withSubcommands([
    ...entityCommands,
    list,
    trace,
    whatIf,
    saga,
    ...clusterCommands,
    doctor,
    watch,
    ...streamCommands,
    ...changeCommands,
    catalog,
    product,
    category,
    search,
    media
  ]),
  Command.provide(Databases)
)

const typedWrong = new Set(["BadRef", "BadTime", "BadCommand", "BadShard", "NotConfirmed", "ReasonRequired"])
const exitCodeOf = (error: { readonly _tag: string; readonly exitCode?: number }): number => {
  if (error.exitCode !== undefined) return error.exitCode
  if (error._tag === "NotSignedIn") return 4
  return typedWrong.has(error._tag) ? 2 : 1
}

Command.runWith(halles, { version: "0.1.0" })(process.argv.slice(2)).pipe(
  Effect.catch((error) =>
    Effect.sync(() => {
      // What was typed wrong has been explained by the command line itself.
      if (CliError.isCliError(error)) process.exitCode = 2
      else {
        process.stderr.write(`halles: ${error.message}\n`)
        process.exitCode = exitCodeOf(error)
      }
    })
  ),
  Effect.provide([NodeServices.layer, NodeHttpClient.layerUndici]),
  (program) =>
    NodeRuntime.runMain(program, {
      teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(process.exitCode ?? 0) : 130)
    })
)
