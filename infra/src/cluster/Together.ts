import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, ConfigProvider, Effect, Layer, Metric, Schema } from "effect"
import { pathToFileURL } from "node:url"

/** The environment variable that lists the programs of a process as JSON. */
export const variable = "HALLES_PROGRAMS"
const Programs = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({
      name: Schema.String,
      /** The path of an entry point, which exports its layer as `program`. */
      path: Schema.String,
      env: Schema.Record(Schema.String, Schema.String)
    })
  )
)
export const encode = Schema.encodeSync(Programs)

interface EntryPoint {
  readonly program: Layer.Layer<never, unknown>
}

/** Runs a program with settings, metrics and clients of its own, as in a process of its own. */
const run = ({ env, name, path }: (typeof Programs.Type)[number]) =>
  Effect.promise((): Promise<EntryPoint> => import(pathToFileURL(path).href)).pipe(
    Effect.flatMap(({ program }) => Layer.launch(program)),
    Effect.annotateLogs("program", name),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )

/** Several programs in one process, for a machine that runs all of them; when one of them ends, all do. */
const together = Effect.gen(function* () {
  const programs = yield* Config.schema(Programs, variable)
  yield* Effect.forEach(programs, run, { concurrency: "unbounded", discard: true })
})

if (import.meta.main) NodeRuntime.runMain(together)
