import { addressed, client, own } from "@halles/harness/ProofCluster"
import { showing } from "@halles/harness/Progress"
import * as Proof from "@halles/harness/Proof"
import { Cluster } from "@halles/infra/cluster/Cluster"
import * as Environment from "@halles/infra/Environment"
import * as Layout from "@halles/infra/Layout"
import { ports } from "@halles/infra/cluster/Ports"
import { seed as putOnSale } from "@halles/infra/programs/seed"
import { Settings } from "@halles/infra/Settings"
import { Console, Effect, Fiber, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { issuer } from "./Issuer.ts"
import * as Pipeline from "./Soak/Pipeline.ts"
import { Questions } from "./Soak/Questions.ts"
import { personal, prepare } from "./Soak/Scene.ts"
import { busy, Tally, weigh } from "./Soak/Tally.ts"
import * as Streams from "./Soak/Streams.ts"

/** Between two kills: long enough for most of the time to be without one. */
const killsEveryMs = 20_000
const victims = ["edge", "eu-1", "redis", "ops", "eu-2"]
/** Connections of each kind. */
const pipelinesMax = 4
const sessionsMax = 2

const flags = {
  seconds: Flag.Int("seconds").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 5, maximum: 36_000 }))),
    Flag.withDescription("How long, 5 to 36000"),
    Flag.withDefault(60)
  ),
  json: Proof.json
}

const times = (count: number) => Array.from({ length: count }, (_, at) => at)

type Options = Command.Command.Config.Infer<typeof flags>

const soaked = Effect.fnUntraced(function* (options: Options, portBase: number, questions: Questions) {
  const cluster = yield* Cluster
  const { edge, edgeTls, ops } = ports(portBase)
  const host = "127.0.0.1"
  const tally = new Tally()
  const rules = { pattern: personal }

  // Alone and in peace first: what each is told then is what it is to be told.
  const alone = Streams.kept(host, edge)
  const aloneAtOps = Streams.kept(host, ops)
  for (const [subject, question] of questions.alone()) {
    const answer = yield* Effect.promise(() => (subject.at === "edge" ? alone : aloneAtOps).ask(question))
    if (answer === "broken") continue
    const reason = questions.learn(subject, question, answer)
    if (reason !== undefined)
      tally.fault({ reason, sender: question.sender, request: question.path, answer: answer.body })
    weigh(tally, questions, { ...question, statuses: [answer.status], mayShow: new Set(question.shows) }, answer, rules)
  }
  alone.destroy()
  aloneAtOps.destroy()

  const endsAt = performance.now() + options.seconds * 1_000
  const isOver = () => performance.now() >= endsAt
  const onStray = (text: string) =>
    tally.fault({ reason: "bytes that answer nothing", sender: "", request: "", answer: text })
  const connection = { questions, tally, secrets: rules, isOver }
  const killing = yield* Effect.gen(function* () {
    for (let kills = 0; ; kills += 1) {
      yield* Effect.sleep(killsEveryMs)
      if (isOver()) return
      tally.count("kills")
      cluster.signal(victims[kills % victims.length]!, "SIGKILL")
      yield* Effect.ignore(cluster.healthy)
    }
  }).pipe(Effect.forkScoped)
  const asking = Effect.promise(() =>
    Promise.all([
      ...times(pipelinesMax).map(() =>
        busy({ ...connection, at: "edge", open: () => Pipeline.open(host, edge, onStray) })
      ),
      ...times(sessionsMax).map(() => busy({ ...connection, at: "edge", open: () => Streams.open(host, edgeTls) })),
      busy({ ...connection, at: "edge", open: () => Promise.resolve(Streams.kept(host, edge)) }),
      busy({ ...connection, at: "ops", open: () => Pipeline.open(host, ops, onStray) })
    ])
  )
  yield* showing(() => `${JSON.stringify(tally.counts)}, wrong ${tally.wrong}`, asking)
  yield* Fiber.interrupt(killing)
  return tally
}, Effect.scoped)

const report = Effect.fnUntraced(function* (options: Options, tally: Tally) {
  for (const { answer, reason, request, sender } of tally.faults)
    yield* Console.log(`\nWRONG: ${reason}\n  asked by ${sender}: ${request}\n  answered ${answer}`)
  const { broken = 0, kills = 0, later = 0, left = 0, ...statuses } = tally.counts
  const answers = Object.values(statuses).reduce((sum, count) => sum + count, 0)
  const { wrong } = tally
  const summary = { seconds: options.seconds, answers, later, broken, left, kills, wrong, statuses }
  yield* Proof.end(summary, wrong === 0 && answers > 0, options.json)
})

const soak = Command.make(
  "soak",
  flags,
  Effect.fn("soak")(function* (options) {
    const layout = Layout.of("fuzz", (yield* Settings).portBase)
    const sign = yield* issuer(Environment.issuer({ layout }))
    yield* Effect.gen(function* () {
      const { edgeUrl, parts } = yield* Cluster
      yield* putOnSale(edgeUrl, parts.secrets.importToken)
      const scene = yield* Effect.provide(prepare(edgeUrl, parts.secrets, sign), client(addressed("soak", parts)))
      yield* report(options, yield* soaked(options, layout.portBase, new Questions(scene)))
    }).pipe(Effect.provide(own("fuzz")))
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    `Asks a cluster of its own many things at once, as many senders on the same connections: customers, strangers, staff, partners,
forged tokens, Basic, nobody; pipelined HTTP/1.1, streams of HTTP/2, kept connections; with HEAD, If-None-Match, bodies that are
refused, requests that are left; while the edge, the operator process, runners and Redis are killed.

Each answer tells which request it answers, on the wire (Request-Id) and from inside the application (traceresponse), has the
status that this sender was told when it asked alone, and shows nothing that is not for it. The last line of stdout is JSON; the
exit code is 0 only if no answer was wrong.`
  )
)

Proof.run(soak)
