import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cluster } from "@halles/infra/Cluster"
import * as Environment from "@halles/infra/Environment"
import * as Layout from "@halles/infra/Layout"
import { ports } from "@halles/infra/Ports"
import { type Secrets, secrets } from "@halles/infra/Secrets"
import { seed as putOnSale } from "@halles/infra/seed"
import { Settings } from "@halles/infra/Settings"
import { Console, Effect, Exit, Logger, Option, Redacted, Schedule, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { writeFileSync } from "node:fs"
import { run } from "./Campaign.ts"
import { credentials } from "./Credentials.ts"
import { claimsOf, issuer, roleCredentials } from "./Issuer.ts"
import * as Openings from "./Openings.ts"
import { World } from "./World.ts"

/** Among the requests, what goes away is opened anew. */
const renewedEvery = "500 millis"
/** So few requests may miss what a route needs to answer 2xx. */
const coveredFrom = 5_000

const flags = {
  requests: Flag.Int("requests").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))),
    Flag.withDescription("How many"),
    Flag.withDefault(20_000)
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("The requests follow from it; random if nothing is said"),
    Flag.optional
  ),
  running: Flag.Boolean("running").pipe(
    Flag.withDescription("Use the cluster of npm start; without it a whole one is started for this, and thrown away"),
    Flag.withDefault(false)
  ),
  json: Flag.String("json").pipe(Flag.withDescription("File that gets the last line too"), Flag.optional)
}

interface Options {
  readonly requests: number
  readonly seed: Option.Option<number>
  readonly json: Option.Option<string>
}

const campaign = Effect.fnUntraced(function* (
  options: Options,
  url: string,
  keys: Secrets,
  sign?: Effect.Success<ReturnType<typeof issuer>>
) {
  const seed = Option.getOrElse(options.seed, () => Math.floor(Math.random() * 2 ** 31))
  yield* Console.log(`seed ${seed}, ${options.requests} requests to ${url}`)
  const document = yield* Effect.promise(async () => (await fetch(`${url}/openapi.json`)).text())
  const world = new World()
  const people = sign === undefined ? [] : yield* roleCredentials(sign)
  const customer = sign === undefined ? undefined : yield* sign(claimsOf("customer"))
  const openings = Openings.make(url, world, { import: keys.importToken, admin: keys.adminToken, customer })
  yield* Effect.promise(openings.opened)
  yield* Effect.tryPromise(openings.renewed).pipe(
    Effect.ignore,
    Effect.repeat(Schedule.spaced(renewedEvery)),
    Effect.forkScoped
  )
  const since = performance.now()
  const report = yield* Effect.promise(() =>
    run({
      url,
      document,
      seed,
      world,
      count: options.requests,
      credentials: credentials({
        importToken: Redacted.make(keys.importToken),
        adminToken: Redacted.make(keys.adminToken),
        gatewayWebhook: Redacted.make(keys.gatewayWebhook),
        carrierWebhook: Redacted.make(keys.carrierWebhook),
        people
      }),
      onProgress: (done) => process.stderr.write(`${done} of ${options.requests}\n`)
    })
  )
  for (const [route, counts] of Object.entries(report.answers)) {
    const shown = Object.entries(counts).map(([status, count]) => `${status}×${count}`)
    yield* Console.log(`${route.padEnd(52)} ${shown.join("  ")}`)
  }
  const { failures } = report
  for (const { reason, request } of failures)
    yield* Console.log(`\nFAILED: ${reason}\n--- seed ${seed}\n${request}\n---`)
  const uncovered = options.requests < coveredFrom ? [] : report.neverOk
  if (uncovered.length > 0) yield* Console.log(`\nnever answered 2xx: ${uncovered.join(", ")}`)
  const line = JSON.stringify({
    requests: report.requests,
    failures: failures.length,
    seed,
    seconds: Math.round((performance.now() - since) / 100) / 10,
    slowestMs: report.slowestMs,
    uncovered,
    answers: report.answers
  })
  yield* Console.log(line)
  yield* Effect.sync(() => {
    if (Option.isSome(options.json)) writeFileSync(options.json.value, `${line}\n`)
    process.exitCode = failures.length === 0 && uncovered.length === 0 ? 0 : 1
  })
}, Effect.scoped)

const fuzz = Command.make(
  "fuzz",
  flags,
  Effect.fn("fuzz")(function* (options) {
    const settings = yield* Settings
    if (options.running) {
      const main = Layout.main(settings.portBase)
      return yield* campaign(options, `http://127.0.0.1:${ports(main.portBase).edge}`, yield* secrets(main))
    }
    const layout = Layout.fuzz(settings.portBase)
    const sign = yield* issuer(Environment.issuer({ layout }))
    // Its processes take it from here: webhooks may go to this machine, where nobody listens for them.
    process.env["HALLES_WEBHOOK_ALLOW"] = "127.0.0.0/8"
    yield* Effect.gen(function* () {
      const { edgeUrl } = yield* Cluster
      const keys = yield* secrets(layout)
      yield* putOnSale(edgeUrl, keys.importToken)
      yield* campaign(options, edgeUrl, keys, sign)
    }).pipe(Effect.provide(Cluster.layer({ layout, settings, empty: true })))
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    `Sends requests that follow from the OpenAPI document to every route: as it allows them, and broken in every way that one
can think of, with ids that exist and ids that do not, and with credentials of every kind.

Fails when an answer is a 500, takes longer than 5 s, has a status or a body that is not documented, shows where in our code
something happened, refuses by form what the document allows, or accepts what it forbids; and when a route never answered 2xx.
The failing request is shrunk before it is shown. The last line of stdout is JSON.`
  )
)

Command.run(fuzz, { version: "0.1.0" }).pipe(Effect.provide([NodeServices.layer, Logger.layer([])]), (program) =>
  NodeRuntime.runMain(program, {
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(process.exitCode ?? 0) : 1)
  })
)
