import { Console, Effect } from "effect"
import { spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync } from "node:fs"
import { dirname, join } from "node:path"
import { type ClusterState, read } from "./ClusterState.ts"
import { buildDashboard } from "../programs/DashboardBuild.ts"
import { ProcessFailed, StartFailed, StateUnusable } from "../InfraErrors.ts"
import * as Layout from "../Layout.ts"
import * as LogFile from "./LogFile.ts"
import { ports } from "./Ports.ts"
import { identify, isAlive, type ProcessIdentity, signal } from "./ProcessIdentity.ts"
import { type Progress, progress } from "../Progress.ts"
import { type Secrets, secrets } from "../servers/Secrets.ts"
import { seed } from "../programs/seed.ts"
import { programs, sources } from "../servers/Servers.ts"
import type { Settings } from "../Settings.ts"
import { owner } from "../StateDirectory.ts"
import { running, status } from "./Status.ts"
import { hasLeftovers } from "./Stop.ts"

/** `npm start`: one supervisor in the background, everything healthy, the demo catalogue on sale. Gives the exit code. */
export const start = Effect.fn("Start.start")(function* (settings: Settings) {
  const layout = Layout.main(settings.portBase)
  const before = running(layout)
  if (before?.phase === "ready") {
    // The start before may have been given up when all was there but the goods.
    yield* sell(before.portBase, yield* secrets(layout))
    yield* Console.log("Already running.\n")
    return yield* status(layout, false)
  }
  if (hasLeftovers(layout)) yield* Console.log("A supervisor was killed; stopping what it left, then starting anew.")
  const display = progress()
  const state = yield* Effect.gen(function* () {
    const supervisor = owner(layout) ?? (yield* launch(layout, settings, display))
    return yield* follow(layout, supervisor, display).pipe(
      Effect.onInterrupt(() => Effect.sync(() => signal(supervisor, "SIGTERM")))
    )
  }).pipe(Effect.ensuring(Effect.sync(display.done)))
  const keys = yield* secrets(layout)
  display.step("putting the demo catalogue on sale")
  yield* Effect.ensuring(sell(state.portBase, keys), Effect.sync(display.done))
  yield* Console.log(welcome(state))
  return 0
})

const sell = (portBase: number, { importToken }: Secrets) =>
  seed(`http://127.0.0.1:${ports(portBase).edge}`, importToken)

/** Finds the servers in the foreground, where a download can be seen, then leaves a supervisor behind. */
const launch = Effect.fnUntraced(function* (layout: Layout.Layout, settings: Settings, display: Progress) {
  const log = Layout.logFile(layout, "supervisor")
  yield* Effect.try({
    try: () => mkdirSync(dirname(log), { recursive: true }),
    catch: (cause) =>
      new StateUnusable({ path: layout.directory, reason: `cannot be made: ${(cause as Error).message}` })
  })
  display.step("finding Postgres, NATS and Redis")
  const [found] = yield* Effect.all([programs(settings, display.step), buildDashboard(display.step)], {
    concurrency: "unbounded"
  })
  display.done()
  for (const [name, source] of Object.entries(sources(settings, found))) {
    process.stderr.write(`  ${name}: ${source}\n`)
  }
  LogFile.rotate(log)
  const output = openSync(log, "a")
  const child = spawn(process.execPath, [join(Layout.root, "infra", "src", "cluster", "Supervisor.ts")], {
    cwd: Layout.root,
    detached: true,
    stdio: ["ignore", output, output]
  })
  closeSync(output)
  child.unref()
  const identity = child.pid === undefined ? null : identify(child.pid)
  return identity ?? (yield* supervisorFailed(layout))
})

/** Shows what the supervisor does until it is ready; fails with its reason if it gives up. */
const follow = Effect.fnUntraced(function* (layout: Layout.Layout, supervisor: ProcessIdentity, display: Progress) {
  while (true) {
    const alive = isAlive(supervisor)
    const state = read(layout)
    const own = state?.supervisor.started === supervisor.started ? state : null
    if (own?.phase === "ready") return own
    if (own?.phase === "starting") display.step(own.message)
    if (!alive) {
      display.done()
      if (own?.phase !== "failed") return yield* supervisorFailed(layout)
      return yield* new StartFailed({ reason: own.message })
    }
    yield* Effect.sleep("50 millis")
  }
})

const supervisorFailed = (layout: Layout.Layout) => {
  const log = Layout.logFile(layout, "supervisor")
  return new ProcessFailed({ name: "the supervisor", reason: "ended", log, tail: LogFile.tail(log) })
}

const welcome = (state: ClusterState): string => {
  const own = ports(state.portBase)
  const edge = `http://127.0.0.1:${own.edge}`
  const operators = state.processes.some(({ name }) => name === "ops" || name === "web")
    ? `\n  operators    http://localhost:${own.ops}   (sign in as operator@halles.test)`
    : ""
  const identity = `http://localhost:${own.identity}`
  return `
Halles is ready.
  edge         ${edge}   (reference ${edge}/docs)${operators}
  accounts     ${identity}   (mails: .halles/mail)
               customer@halles.test and operator@halles.test; passwords: grep demo .halles/secrets.json
               the operator's code: npm run -s otp
  look         npm run status      stop  npm stop      logs  .halles/logs

Place an order:
  ${orderCommand(edge)}
`
}

/** One line for `sh` that opens a cart, puts two packets of tea in it and checks out; curl and grep are all it needs. */
export const orderCommand = (edge: string): string => {
  const checkout = {
    email: "ada@example.com",
    shippingAddress: { name: "Ada", line1: "1 High Street", city: "London", postalCode: "N1 1AA", country: "GB" },
    paymentToken: "tok_ok"
  }
  return [
    `E=${edge}/v1/carts; J='content-type: application/json'`,
    `C=$(curl -sS $E -H "$J" -d '{"region":"eu","currency":"GBP"}' | grep -o 'eu_[A-Za-z0-9_-]*' | head -n 1)`,
    `curl -sS -o /dev/null -X PUT $E/$C/lines/TEA-01 -H "$J" -d '{"quantity":2}'`,
    `curl -sS $E/$C/checkout -H "$J" -H "idempotency-key: $C" -H 'prefer: wait=10' -d '${JSON.stringify(checkout)}'; echo`
  ].join("; ")
}
