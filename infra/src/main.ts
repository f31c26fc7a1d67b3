import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Exit } from "effect"
import { Argument, CliError, Command, Flag } from "effect/cli"
import { newDomain } from "./programs/NewDomain.ts"
import * as ClientProgram from "./programs/ClientProgram.ts"
import * as Layout from "./Layout.ts"
import { Settings } from "./Settings.ts"
import { start } from "./cluster/Start.ts"
import { status } from "./cluster/Status.ts"
import { stop } from "./cluster/Stop.ts"
import { test } from "./programs/Test.ts"

// Files of ours, and of all that we start, are their owner's alone.
process.umask(0o077)

/** Runs a command with the settings of the environment; what it gives becomes the exit code. */
const withSettings = <E, R>(run: (settings: Settings) => Effect.Effect<number, E, R>) =>
  Effect.gen(function* () {
    const code = yield* run(yield* Settings)
    yield* Effect.sync(() => (process.exitCode = code))
  })

const startCommand = Command.make("start", {}, () => withSettings(start)).pipe(
  Command.withDescription(
    "Start Postgres, NATS, Redis, the partners, four runners, the edge and the operators' process in the background, " +
      "and put a demo catalogue on sale. All state is in .halles. HALLES_PORT_BASE (4400) is the first of the ports. " +
      "HALLES_PG_URL, HALLES_NATS_URL, HALLES_REDIS_URL and HALLES_COUNTERS_URL name servers to use instead of own ones"
  ),
  Command.withShortDescription("Start a whole cluster in the background")
)

const stopCommand = Command.make("stop", {}, () =>
  withSettings(({ portBase }) => Effect.as(stop(Layout.main(portBase)), 0))
).pipe(Command.withDescription("Stop everything that start started; the data stays"))

const json = Flag.Boolean("json").pipe(Flag.withDescription("Print one line of JSON"), Flag.withDefault(false))
const statusCommand = Command.make("status", { json }, (flags) =>
  withSettings(({ portBase }) => status(Layout.main(portBase), flags.json))
).pipe(Command.withDescription("Show every process; exit code 3 if nothing runs"))

const filters = Argument.String("filter").pipe(
  Argument.withDescription(
    "Parts of test file paths: only these tests run; or --changed: those that what is not committed can break"
  ),
  Argument.variadic()
)
const testCommand = Command.make("test", { filters }, (args) =>
  withSettings((settings) => test(settings, args.filters))
).pipe(Command.withDescription("Check format, lint and types, then run the tests against servers of their own"))

const rest = Argument.String("argument").pipe(Argument.withDescription("Goes to the program"), Argument.variadic())
/** A program that reads its own flags: all that follows is its own. */
const program = <E, R>(
  name: string,
  run: (settings: Settings, args: ReadonlyArray<string>) => Effect.Effect<number, E, R>,
  description: string,
  short = description
) =>
  Command.make(name, { rest }, (args) => withSettings((settings) => run(settings, args.rest))).pipe(
    Command.withDescription(description),
    Command.withShortDescription(short)
  )
const programs = [
  program("replay", ClientProgram.replay, "Send real orders from a file through the edge of the running cluster"),
  program("check", ClientProgram.check, "Prove the invariants from the journals, of a running or a stopped cluster"),
  program("audit", ClientProgram.audit, "Read the audit log, or prove that it is whole"),
  program("bench", ClientProgram.bench, "Measure the engine on servers and processes of its own"),
  program(
    "bench:edge",
    ClientProgram.benchEdge,
    "Measure the public edge: reads with and without cache, lines into carts, checkouts"
  ),
  program(
    "bench:search",
    ClientProgram.benchSearch,
    "Measure search and recommendations on products, judged queries and invoices from files"
  ),
  program(
    "chaos",
    ClientProgram.chaos,
    "Break a cluster of its own in every way, and prove that its histories are linearizable"
  ),
  program(
    "load",
    ClientProgram.load,
    "Drive the edge of a cluster with chosen shard keys, and prove that the answers were right"
  ),
  program(
    "load:matrix",
    ClientProgram.matrix,
    "Load a cluster with every scenario under several distributions of keys"
  ),
  program(
    "identity",
    ClientProgram.identity,
    "Change roles of accounts, clients and signing keys of the running cluster"
  ),
  program("sim", ClientProgram.sim, "Run the entities on simulated servers, with every fault that a seed can think of"),
  program("mutants", ClientProgram.mutants, "Put deliberate faults in, each of which a check must notice"),
  program(
    "fuzz",
    ClientProgram.fuzz,
    "Send generated requests, valid and broken, to every route of a cluster of its own"
  ),
  program(
    "soak",
    ClientProgram.soak,
    "Ask a cluster of its own as many senders on the same connections; no answer may be another's"
  ),
  program("openapi", ClientProgram.openapi, "Write, check or lint the document of the public API"),
  program(
    "inspect",
    ClientProgram.inspect,
    "Look into the cluster, running or stopped: halles get, events, trace, list, saga, shards, doctor …; " +
      "the word inspect may be left out. halles inspect --help names them all",
    "Look into the cluster and operate it: get, events, alarms, drain …; `halles inspect` names all"
  )
] as const

const otpCommand = Command.make("otp", {}, () => withSettings(ClientProgram.otp)).pipe(
  Command.withDescription("Print the code that operator@halles.test is asked for beside its password")
)
const newCommand = Command.make(
  "new",
  { name: Argument.String("name").pipe(Argument.withDescription("As wish-list: small letters, words by hyphens")) },
  ({ name }) =>
    Effect.flatMap(newDomain(Layout.root, name), (files) =>
      Console.log(
        [...files, "", "It compiles and is hosted: npm test. docs/add-a-domain.md says what is next."].join("\n")
      )
    )
).pipe(Command.withDescription("Write a domain with its manifest, and put it into Domains.ts"))

const commands = [startCommand, stopCommand, statusCommand, testCommand, otpCommand, newCommand, ...programs] as const

const halles = Command.make("halles").pipe(
  Command.withDescription("Run Halles on this machine"),
  Command.withSubcommands(commands)
)

const typed = process.argv.slice(2)
/** What is no command here is one of the inspector's; it is those that a shell is to complete, ours are scripts of npm. */
const isOurs =
  typed[0] === undefined ||
  (typed[0].startsWith("-") && !typed[0].startsWith("--completions")) ||
  commands.some(({ name }) => name === typed[0])
const [name = "--help", ...following] = isOurs ? typed : ["inspect", ...typed]
const isProgram = name === "test" || programs.some((one) => one.name === name)
const own = !isProgram || following[0] === "--" || (name === "test" && following[0] === "--help")
const args = own ? [name, ...following] : [name, "--", ...following]

Command.runWith(halles, { version: "0.1.0" })(args).pipe(
  Effect.catch((error) =>
    Effect.sync(() => {
      // What was typed wrong has been explained by the command line itself.
      if (!CliError.isCliError(error)) process.stderr.write(`halles: ${error.message}\n`)
      process.exitCode = error._tag === "NotRunning" ? 3 : 1
    })
  ),
  Effect.provide(NodeServices.layer),
  (program) =>
    NodeRuntime.runMain(program, {
      teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(process.exitCode ?? 0) : 130)
    })
)
