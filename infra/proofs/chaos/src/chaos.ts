import { own } from "@halles/harness/ProofCluster"
import { say } from "@halles/harness/Progress"
import * as Proof from "@halles/harness/Proof"
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { nemeses } from "./FaultSchedule.ts"
import * as Network from "./Network.ts"
import { collect, isProof, judge } from "./Evidence.ts"

const Nemeses = Schema.Array(Schema.Literals(nemeses))

const flags = {
  seed: Flag.Int("seed").pipe(Flag.withDescription("Faults and workload follow from it"), Flag.withDefault(1)),
  seconds: Flag.Int("seconds").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 5, maximum: 3_600 }))),
    Flag.withDescription("How long the cluster is used and broken, 5 to 3600"),
    Flag.withDefault(30)
  ),
  nemesis: Flag.String("nemesis").pipe(
    Flag.withDescription(`What breaks, of ${nemeses.join(",")}; all of it if nothing is said`),
    Flag.optional
  ),
  json: Proof.json
}

const chaos = Command.make(
  "chaos",
  flags,
  Effect.fn("chaos")(function* ({ json, nemesis, seconds, seed }) {
    const names = Option.match(nemesis, { onNone: () => nemeses, onSome: (list) => list.split(",").filter(Boolean) })
    const wanted = yield* Schema.decodeUnknownEffect(Nemeses)(names)
    const network = Network.make()
    yield* say("starting a cluster of its own")
    const options = { seed, seconds, nemeses: wanted }
    const evidence = yield* collect(options, network).pipe(
      Effect.tap(() => say("stopping it")),
      Effect.provide(own("chaos", { through: network.through }))
    )
    yield* say("judging the histories")
    const summary = yield* judge(options, evidence)
    yield* Proof.end(summary, isProof(summary), json)
  })
).pipe(
  Command.withDescription(
    `Breaks a cluster of its own while it is used, and proves from what clients were told that nothing was wrong.

Starts Postgres, NATS, Redis, the partners, four runners and the edge with an empty past, apart from npm start. For so many
seconds forty-eight sessions open carts, buy scarce goods and bundles of them, cancel, return and count stock, half of it through the edge and half
as clients of the cluster, and send entities of every domain what its manifest lets anybody send. Meanwhile faults that follow
from the seed alone come one or two at a time:
  kill          SIGKILL of a runner, the edge or a partner
  freeze        SIGSTOP of a runner; half of the times for longer than its shards wait for it
  partition     one process and one server are cut off from each other, both ways or one, late, or reset
  pg nats redis SIGKILL of that server
  slow-disk     Postgres waits before every flush of its log
  duplicate     commands are sent again under the same id, at once and later
  late-webhook  a partner is slow or down
Then everything is mended, every key is asked until it answers (recoveredMs), sagas come to their end, and it is checked that
every call on every entity is linearizable against the entity's own decide and evolve; that I1 to I17 hold (npm run
check); that nothing acknowledged is lost; that nothing was done twice.

The last line of stdout is JSON. The exit code is 0 only if all of that holds and every key answered within 5 s.`
  ),
  Command.withExamples([
    { command: "npm run chaos -- --seed 7 --seconds 60", description: "Everything, for a minute" },
    { command: "npm run chaos -- --seed 7 --seconds 20 --nemesis freeze,partition", description: "Two kinds of fault" }
  ])
)

Proof.run(chaos)
