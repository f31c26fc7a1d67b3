import { demoCode } from "@halles/identity/accounts/DemoCode"
import { Console, Effect, Option } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Environment from "../Environment.ts"
import { NotRunning } from "../InfraErrors.ts"
import * as Layout from "../Layout.ts"
import { natsUrl } from "../servers/NatsServer.ts"
import { foreground } from "./RunCommand.ts"
import { secrets } from "../servers/Secrets.ts"
import { locate } from "../servers/ServerProgram.ts"
import { type ServerName, startServers } from "../servers/Servers.ts"
import type { Settings } from "../Settings.ts"
import { claim } from "../StateDirectory.ts"
import { running } from "../cluster/Status.ts"

const terminal = Environment.named(process.env, /^(TERM|COLUMNS|NO_COLOR|FORCE_COLOR)$/)

/** Runs a program in the foreground with what a client of the cluster may know. Relative paths are the caller's. */
const runProgram = (program: string, args: ReadonlyArray<string>, environment: Record<string, string>) =>
  foreground(process.execPath, [join(Layout.root, program), ...args], {
    cwd: Layout.root,
    env: { ...Environment.inherited(process.env), ...terminal, ...environment }
  })

/** Whoever asks what a program can do needs no cluster for it. */
const asksForHelp = (args: ReadonlyArray<string>): boolean =>
  args.some((arg) => arg === "--help" || arg === "-h" || arg.startsWith("--completions"))

/** As `asksForHelp`, of a program that does nothing without one of its commands. */
const namesNothing = (args: ReadonlyArray<string>): boolean => args.length === 0 || asksForHelp(args)
const orHelp = (args: ReadonlyArray<string>): ReadonlyArray<string> => (args.length === 0 ? ["--help"] : args)

/** What the environments of the cluster that runs from this checkout are made of. */
const runningParts = Effect.fnUntraced(function* (settings: Settings) {
  const main = Layout.main(settings.portBase)
  const state = running(main)
  if (state?.phase !== "ready") return yield* new NotRunning()
  const keys = yield* secrets(main)
  const layout = { ...main, portBase: state.portBase }
  // The state names servers without their logins; those of the databases are put in by role.
  const nats = Option.getOrElse(settings.natsUrl, () => natsUrl(layout, keys))
  return { layout, secrets: keys, addresses: { ...state, nats } } satisfies Environment.Parts
})

/** `npm run replay`: real orders from a file, through the public edge. */
export const replay = Effect.fn("ClientProgram.replay")(function* (settings: Settings, args: ReadonlyArray<string>) {
  const environment = asksForHelp(args) ? {} : Environment.client(yield* runningParts(settings))
  return yield* runProgram("infra/proofs/load/src/replay.ts", args, environment)
})

/** `npm run identity`: roles, clients and signing keys, in the database of the running cluster. */
export const identity = Effect.fn("ClientProgram.identity")(function* (
  settings: Settings,
  args: ReadonlyArray<string>
) {
  const environment = namesNothing(args) ? {} : Environment.identityStore(yield* runningParts(settings))
  return yield* runProgram("packages/identity/src/admin.ts", orHelp(args), environment)
})

/** `npm run otp`: what the app of the demo operator would show now. */
export const otp = Effect.fn("ClientProgram.otp")(function* ({ portBase }: Settings) {
  const keys = yield* secrets(Layout.main(portBase))
  const { code, secondsLeft } = yield* demoCode(keys.demoOperatorTotp)
  yield* Console.log(code)
  yield* Console.error(`good once, for ${secondsLeft} s`)
  return 0
})

/** Settings of ours, such as servers that already run. */
const settings = Environment.named(process.env, /^HALLES_/)

/** A program that needs no cluster, or starts one of its own beside the one that runs; with the flags that are always given. */
const alone =
  (program: string, ...given: ReadonlyArray<string>) =>
  (_: Settings, args: ReadonlyArray<string>) =>
    runProgram(program, [...given, ...args], settings)

const benchProgram = "infra/proofs/bench/src/bench.ts"
export const bench = alone(benchProgram)
/** The rows of the bench that go through the public edge. */
export const benchEdge = alone(benchProgram, "--only", "productCached,productFresh,addToCart,edgeCheckout")
/** How well and how fast a catalogue from a file is searched. */
export const benchSearch = alone("infra/proofs/bench/src/benchSearch.ts")
export const load = alone("infra/proofs/load/src/load.ts")
export const matrix = alone("infra/proofs/load/src/matrix.ts")
export const sim = alone("infra/proofs/sim/src/sim.ts")
export const fuzz = alone("infra/proofs/fuzz/src/fuzz.ts")
export const soak = alone("infra/proofs/fuzz/src/soak.ts")
export const openapi = alone("packages/http/src/openapi/openapi.ts")

/** `npm run test:mutants`: deliberate faults, each of which a check must notice; needs no cluster, but servers that it starts itself. */
export const mutants = Effect.fn("ClientProgram.mutants")(function* (
  { servers }: Settings,
  args: ReadonlyArray<string>
) {
  const options = { downloadOnly: servers === "download", say: (line: string) => console.log(line) }
  const nats = yield* locate("nats", options)
  const postgres = yield* locate("postgres", options)
  return yield* runProgram("infra/proofs/sim/src/mutants.ts", args, {
    ...settings,
    ...nats.env,
    ...postgres.env,
    HALLES_TEST_NATS_BIN: nats.path,
    HALLES_TEST_PG_BIN: postgres.path
  })
})

/** Runs something on the cluster of this checkout; on a stopped one, on those of its servers that are named, just for that. */
const onCluster = <E, R>(
  settings: Settings,
  names: ReadonlyArray<ServerName>,
  run: (parts: Environment.Parts) => Effect.Effect<number, E, R>
) => {
  const layout = Layout.main(settings.portBase)
  const onStopped = Effect.gen(function* () {
    const directory = yield* claim(layout)
    const keys = yield* secrets(layout)
    const addresses = yield* startServers({ directory, secrets: keys, settings, names })
    return yield* run({ layout, secrets: keys, addresses })
  })
  return runningParts(settings).pipe(
    Effect.flatMap(run),
    Effect.catchIf(
      (error) => error instanceof NotRunning && existsSync(Layout.secretsFile(layout)),
      () => Effect.scoped(onStopped)
    )
  )
}

/** `npm run check`: the invariants, read from the journals. */
export const check = Effect.fn("ClientProgram.check")((settings: Settings, args: ReadonlyArray<string>) =>
  asksForHelp(args)
    ? runProgram("infra/src/programs/check.ts", args, {})
    : onCluster(settings, ["postgres"], (parts) =>
        runProgram("infra/src/programs/check.ts", args, Environment.prover(parts))
      )
)

/** `npm run audit`: the audit log, and the anchors that its end is compared with. */
export const audit = Effect.fn("ClientProgram.audit")((settings: Settings, args: ReadonlyArray<string>) =>
  namesNothing(args)
    ? runProgram("infra/src/programs/audit.ts", orHelp(args), {})
    : onCluster(settings, ["postgres", "nats"], (parts) =>
        runProgram("infra/src/programs/audit.ts", args, Environment.auditor(parts))
      )
)

/** `npx halles get …`: reads the databases; `npx halles drain …` asks the operator process to change something. */
export const inspect = Effect.fn("ClientProgram.inspect")((settings: Settings, args: ReadonlyArray<string>) =>
  namesNothing(args)
    ? runProgram("packages/operations/src/halles.ts", orHelp(args), {})
    : onCluster(settings, ["postgres"], (parts) =>
        runProgram("packages/operations/src/halles.ts", args, {
          ...Environment.client(parts),
          // A token of yours goes before that of our own tools.
          ...Environment.named(process.env, /^HALLES_TOKEN$/)
        })
      )
)

/** `npm run chaos`: a cluster of its own, on servers of its own, since it kills those too. */
export const chaos = Effect.fn("ClientProgram.chaos")(function* (settings: Settings, args: ReadonlyArray<string>) {
  return yield* runProgram("infra/proofs/chaos/src/chaos.ts", args, {
    HALLES_PORT_BASE: String(settings.portBase),
    HALLES_SERVERS: settings.servers
  })
})
