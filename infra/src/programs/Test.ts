import { Console, Effect, Option } from "effect"
import { join } from "node:path"
import { changedTests } from "./ChangedTests.ts"
import { buildDashboard } from "./DashboardBuild.ts"
import * as Environment from "../Environment.ts"
import * as Layout from "../Layout.ts"
import { foreground } from "./RunCommand.ts"
import { secrets } from "../servers/Secrets.ts"
import { locate, type ServerProgram } from "../servers/ServerProgram.ts"
import { type Servers, startServers } from "../servers/Servers.ts"
import type { Settings } from "../Settings.ts"
import { claim } from "../StateDirectory.ts"

/** One step of the tests: a program of the workspace, run by our own Node. */
interface Step {
  readonly name: string
  readonly program: string
  readonly args: ReadonlyArray<string>
  readonly env?: Record<string, string>
}

const checks: ReadonlyArray<Step> = [
  { name: "format", program: "oxfmt/bin/oxfmt", args: ["--check"] },
  { name: "lint", program: "oxlint/bin/oxlint", args: [] },
  { name: "types", program: "typescript/bin/tsc", args: ["--noEmit"] },
  { name: "types of the page", program: "typescript/bin/tsc", args: ["--noEmit", "-p", "packages/dashboard"] }
]

/**
 * `npm test`: form and types first, then vitest against servers of its own, which start before and stop after. Filters
 * choose tests by their paths; `--changed` those that what is not committed can break. Gives the exit code.
 */
export const test = Effect.fn("Test.test")(function* (settings: Settings, given: ReadonlyArray<string>) {
  const isChanged = given.includes("--changed")
  const filters = isChanged ? yield* changedTests() : given
  const results = yield* Effect.forEach(isChanged || given.length === 0 ? checks : [], runStep)
  if (isChanged && filters.length === 0)
    return yield* Effect.as(Console.log("\nNothing has changed since the last commit."), 0)
  if (browserTests.some((path) => isWanted(path, filters))) yield* buildDashboard((line) => console.log(`\n== ${line}`))
  const layout = Layout.of("test", settings.portBase)
  const tests = yield* Effect.scoped(
    Effect.gen(function* () {
      const directory = yield* claim(layout)
      const keys = yield* secrets(layout)
      yield* Console.log("\n== servers for the tests")
      const names = ["postgres", "nats", "redis"] as const
      const servers = yield* startServers({ directory, secrets: keys, settings, names })
      for (const [name, source] of Object.entries(directory.state().sources)) yield* Console.log(`${name}: ${source}`)
      const chromium = yield* browser(settings, filters)
      const args = [...(isChanged ? ["related", "--run"] : ["run"]), "--config", "vitest.config.ts", ...filters]
      const env = environment(settings, servers, chromium)
      return yield* runStep({ name: "tests", program: "vitest/vitest.mjs", args, env })
    })
  )
  const all = [...results, tests]
  const failed = all.filter(({ code }) => code !== 0)
  const seconds = all.reduce((sum, result) => sum + result.seconds, 0).toFixed(1)
  const names = failed.map(({ name }) => name).join(", ")
  yield* Console.log(
    failed.length === 0
      ? `\nAll passed in ${seconds} s: ${all.map(({ name }) => name).join(", ")}.`
      : `\nFailed: ${names} (${seconds} s).`
  )
  return failed.length === 0 ? 0 : 1
})

const browserTests = [
  "packages/identity/test/Chromium.test.ts",
  "packages/dashboard/test/Dashboard.test.ts",
  "packages/dashboard/test/Frames.test.ts",
  "infra/test/cluster.test.ts"
]
const isWanted = (path: string, filters: ReadonlyArray<string>) =>
  filters.length === 0 || filters.some((filter) => path.includes(filter))

/** Chromium, where a test is going to drive it. Without one that test fails and says what to do; the others run. */
const browser = Effect.fnUntraced(function* (settings: Settings, filters: ReadonlyArray<string>) {
  if (!browserTests.some((path) => isWanted(path, filters))) return null
  const options = { downloadOnly: settings.servers === "download", say: (line: string) => console.log(line) }
  return yield* locate("chromium", options).pipe(
    Effect.tap(({ source }) => Console.log(`chromium: ${source}`)),
    Effect.catch(({ tried }) =>
      Effect.as(Console.log(`chromium: ${tried.join("; ")}. Install it: the test in a browser fails without.`), null)
    )
  )
})

/** All that a test may know of its machine. The programs are for tests that start servers of their own; a given server has none. */
const environment = (
  settings: Settings,
  { admins, nats, programs, redis }: Servers,
  chromium: ServerProgram | null
): Record<string, string> =>
  present({
    // Most of what a test waits for at its start is the compiler.
    NODE_COMPILE_CACHE: Layout.compiled,
    HALLES_TEST_CHROMIUM_BIN: chromium?.path,
    HALLES_TEST_PG_URL: admins["control"],
    HALLES_TEST_NATS_URL: nats,
    HALLES_TEST_REDIS_URL: redis,
    HALLES_TEST_PG_BIN: programs.postgres?.path,
    HALLES_TEST_NATS_BIN: programs.nats?.path,
    HALLES_TEST_REDIS_BIN: programs.redis?.path,
    HALLES_PORT_BASE: String(settings.portBase),
    HALLES_SERVERS: settings.servers,
    HALLES_PG_URL: Option.getOrUndefined(settings.pgUrl),
    HALLES_NATS_URL: Option.getOrUndefined(settings.natsUrl),
    HALLES_REDIS_URL: Option.getOrUndefined(settings.redisUrl),
    HALLES_COUNTERS_URL: Option.getOrUndefined(settings.countersUrl),
    LD_LIBRARY_PATH: libraryPath([...Object.values(programs), ...(chromium === null ? [] : [chromium])])
  })

const present = (variables: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

/** Servers that were unpacked, not installed, find their libraries by it. */
const libraryPath = (programs: ReadonlyArray<ServerProgram>): string | undefined =>
  programs
    .flatMap(({ env }) => env["LD_LIBRARY_PATH"] ?? [])
    .filter((path) => path !== "")
    .join(":") || undefined

const runStep = Effect.fnUntraced(function* ({ args, env, name, program }: Step) {
  yield* Console.log(`\n== ${name}`)
  const since = performance.now()
  const code = yield* foreground(process.execPath, [join(Layout.root, "node_modules", program), ...args], {
    cwd: Layout.root,
    env: { ...Environment.inherited(process.env), ...env }
  })
  const seconds = (performance.now() - since) / 1000
  yield* Console.log(`-- ${name} ${code === 0 ? "passed" : "FAILED"} in ${seconds.toFixed(1)} s`)
  return { name, code, seconds }
})
