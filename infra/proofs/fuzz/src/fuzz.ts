import * as EdgeClient from "@halles/harness/EdgeClient"
import { own } from "@halles/harness/ProofCluster"
import * as Proof from "@halles/harness/Proof"
import { check } from "@halles/infra/programs/CheckProgram"
import { Cluster } from "@halles/infra/cluster/Cluster"
import * as Environment from "@halles/infra/Environment"
import * as Layout from "@halles/infra/Layout"
import { ports } from "@halles/infra/cluster/Ports"
import { type Secrets, secrets } from "@halles/infra/servers/Secrets"
import { seed as putOnSale } from "@halles/infra/programs/seed"
import { Settings } from "@halles/infra/Settings"
import { Console, type Duration, Effect, Fiber, Option, Redacted, Schedule, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { openNearlyFull } from "./NearlyFull.ts"
import { run } from "./Campaign.ts"
import { client, connectionsMax } from "./Client.ts"
import { stuckAlarms } from "./StuckAlarms.ts"
import { credentials } from "./Credentials.ts"
import { claimsOf, issuer, roleCredentials, type Sign } from "./Issuer.ts"
import * as Openings from "./Openings.ts"
import { World } from "./World.ts"

/** Among the requests, what goes away is opened anew. */
const renewedEvery = "500 millis"
/** One that an operator starts may hold up every other request. */
const faultsEndEvery = "200 millis"
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
  json: Proof.json
}

const again = (make: () => Promise<void>, every: Duration.Input) =>
  Effect.tryPromise(make).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(every)), Effect.forkScoped)

const campaign = Effect.fnUntraced(function* (
  options: Command.Command.Config.Infer<typeof flags>,
  portBase: number,
  keys: Secrets,
  sign?: Sign<never, never>
) {
  const { edge, ops } = ports(portBase)
  const url = `http://127.0.0.1:${edge}`
  const seed = Option.getOrElse(options.seed, () => Math.floor(Math.random() * 2 ** 31))
  yield* Console.log(`seed ${seed}, ${options.requests} requests to ${url}`)
  const send = yield* EdgeClient.open(url, connectionsMax)
  const { text: document } = yield* send({ method: "GET", path: "/openapi.json" })
  const world = new World()
  const people = sign === undefined ? [] : yield* roleCredentials(sign)
  const customer = sign === undefined ? undefined : yield* sign(claimsOf("customer"))
  const tokens = { import: keys.importToken, admin: keys.adminToken, customer }
  const ask = client(send)
  const openings = Openings.make(send, ask, world, tokens)
  yield* Effect.promise(openings.opened)
  yield* Console.log("filling things up to one less than their bounds")
  yield* Effect.promise(() => openNearlyFull(ask, world, tokens))
  const renewing = yield* again(openings.renewed, renewedEvery)
  yield* again(openings.faultless, faultsEndEvery)
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
    const tallies = Object.entries(counts).map(([status, count]) => `${status}×${count}`)
    yield* Console.log(`${route.padEnd(52)} ${tallies.join("  ")}`)
  }
  const { failures } = report
  for (const { reason, request } of failures)
    yield* Console.log(`\nFAILED: ${reason}\n--- seed ${seed}\n${request}\n---`)
  // From here on nothing is asked: what was begun comes to its end.
  yield* Fiber.interrupt(renewing)
  const stuck = yield* Effect.promise(() => stuckAlarms(`http://127.0.0.1:${ops}`, keys.adminToken))
  for (const one of stuck) yield* Console.log(`\nSTUCK: ${one}`)
  const uncovered = options.requests < coveredFrom ? [] : report.neverOk
  if (uncovered.length > 0) yield* Console.log(`\nnever answered 2xx: ${uncovered.join(", ")}`)
  const { answers, requests, slowestMs } = report
  const seconds = Math.round((performance.now() - since) / 100) / 10
  const summary = {
    requests,
    failures: failures.length,
    seed,
    seconds,
    slowestMs,
    uncovered,
    stuck: stuck.length,
    answers
  }
  yield* Proof.end(summary, failures.length + uncovered.length + stuck.length === 0, options.json)
}, Effect.scoped)

const fuzz = Command.make(
  "fuzz",
  flags,
  Effect.fn("fuzz")(function* (options) {
    const { portBase } = yield* Settings
    if (options.running) return yield* campaign(options, portBase, yield* secrets(Layout.main(portBase)))
    const layout = Layout.of("fuzz", portBase)
    const sign = yield* issuer(Environment.issuer({ layout }))
    // Its processes take it from here: webhooks may go to this machine, where nobody listens for them.
    process.env["HALLES_WEBHOOK_ALLOW"] = "127.0.0.0/8"
    yield* Effect.gen(function* () {
      const { edgeUrl, parts } = yield* Cluster
      yield* putOnSale(edgeUrl, parts.secrets.importToken)
      yield* campaign(options, layout.portBase, parts.secrets, sign)
      const { ok } = yield* check(parts, [])
      if (!ok) process.exitCode = 1
    }).pipe(Effect.provide(own("fuzz")))
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    `Sends requests that follow from the OpenAPI document to every route: as it allows them, and broken in every way that one
can think of, with ids that exist and ids that do not, with credentials of every kind, and with sizes just below, at and just above
every bound of the document and of the limits table; some things are filled up to one less than their bounds before.

Fails when an answer is a 500, takes longer than 5 s, has a status or a body that is not documented, shows where in our code
something happened, refuses by form or size what the document allows, or accepts what it forbids; when a route never answered 2xx; when something
is stuck afterwards; and when an invariant is broken (npm run check).
The failing request is shrunk before it is shown. The last line of stdout is JSON.`
  )
)

Proof.run(fuzz)
