import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as Environment from "@halles/infra/Environment"
import { runnerPort } from "@halles/infra/cluster/Ports"
import { Effect, Layer, Redacted, type Scope } from "effect"
import type { Sharding } from "effect/cluster"
import { Echo } from "./Echo.ts"
import * as EffectSocket from "./EffectSocket.ts"
import { closedLoop, type Figures, type Span } from "../Measure.ts"
import type { Measurement } from "../Measurement.ts"
import { Stage } from "../Stage.ts"

const keys = 1_000
const text = "x".repeat(50)
const program = "infra/proofs/bench/src/rows/echoRunner.ts"

/** One of the two ways to the same entity. */
interface Way {
  readonly row: "rpcNats" | "rpcSocket"
  readonly say: (n: number) => Effect.Effect<unknown, Error>
}

/** A runner of its own and a client of it in this process, until the scope ends. */
const open = Effect.fnUntraced(function* <E extends Error>(
  row: Way["row"],
  runner: { readonly id: string; readonly env: Record<string, string> },
  client: Layer.Layer<Sharding.Sharding, E>
) {
  const stage = yield* Stage
  yield* stage.runner(runner.id, { program, env: runner.env })
  const echo = yield* Effect.provide(EntityClient.make(Echo), yield* Layer.build(client))
  const say: Way["say"] = (n) => echo(`eu_echo-${n % keys}`).Say({ text })
  // The runner takes its shards in its own time; from here on none is without an owner.
  yield* Effect.timeout(
    Effect.forEach(Array.from({ length: keys }).keys(), say, { concurrency: 16, discard: true }),
    "30 seconds"
  )
  return { row, say } satisfies Way
})

const ways: Effect.Effect<ReadonlyArray<Way>, Error, Stage | Scope.Scope> = Effect.gen(function* () {
  const { client, parts } = yield* Stage
  const owner = Environment.databaseUrl(parts, "halles_owner", "control")
  const port = String(runnerPort(parts.layout.portBase, 9))
  const env = { HALLES_BENCH_SOCKET_PORT: port }
  return [
    yield* open("rpcNats", { id: "eu-1", env: { ...env, HALLES_BENCH_TRANSPORT: "nats" } }, client),
    yield* open(
      "rpcSocket",
      { id: "eu-2", env: { ...env, HALLES_BENCH_TRANSPORT: "socket", HALLES_PG_CONTROL_URL: owner } },
      EffectSocket.layerClient(Redacted.make(owner))
    )
  ]
})

/** The span whose rate lies in the middle. */
const median = (spans: ReadonlyArray<Figures>): Figures =>
  spans.toSorted((a, b) => a.opsPerSecond - b.opsPerSecond)[Math.floor(spans.length / 2)]!

/** What the row says of 256 in flight. */
const more = ({ cpuSecondsPerOp, opsPerSecond, p50ms, p99ms }: Figures) => ({
  opsPerSecond256: opsPerSecond,
  p50ms256: p50ms,
  p99ms256: p99ms,
  cpuSecondsPerOp256: cpuSecondsPerOp
})

/**
 * A volatile entity call from another process over our NATS transport and over Effect's own socket transport. Both
 * runners stand ready all the time; spans alternate, and the first of a pair is the second of the next.
 */
export const rpc: Measurement = {
  rows: ["rpcNats", "rpcSocket"],
  run: ({ quick, report }) =>
    Effect.gen(function* () {
      const stage = yield* Stage
      const both = yield* ways
      const pairs = quick ? 3 : 7
      const span: Span = quick ? { warmUpMs: 300, measureMs: 1_200 } : { warmUpMs: 1_000, measureMs: 4_000 }
      const at = Effect.fnUntraced(function* (inFlight: number) {
        const spans: Record<Way["row"], Array<Figures>> = { rpcNats: [], rpcSocket: [] }
        for (let pair = 0; pair < pairs; pair++) {
          for (const { row, say } of pair % 2 === 0 ? both : both.toReversed()) {
            const setting =
              `${keys} keys, ${inFlight} in flight, ${text.length} bytes each way, one runner, ` +
              `median of ${pairs} alternating spans of ${span.measureMs / 1000} s`
            spans[row].push(yield* closedLoop({ row, setting, inFlight, span, cpu: stage.cpu, operation: say }))
          }
        }
        return { rpcNats: median(spans.rpcNats), rpcSocket: median(spans.rpcSocket) }
      })
      // What both need to be compiled.
      yield* Effect.forEach(both, ({ row, say }) =>
        closedLoop({
          row,
          setting: "",
          inFlight: 256,
          span: { warmUpMs: 0, measureMs: quick ? 4_000 : 10_000 },
          cpu: stage.cpu,
          operation: say
        })
      )
      const few = yield* at(64)
      const many = yield* at(256)
      yield* report("rpcNats", {
        ...few.rpcNats,
        extra: {
          ratio: few.rpcNats.opsPerSecond / few.rpcSocket.opsPerSecond,
          ratio256: many.rpcNats.opsPerSecond / many.rpcSocket.opsPerSecond,
          ...more(many.rpcNats)
        }
      })
      yield* report("rpcSocket", { ...few.rpcSocket, extra: more(many.rpcSocket) })
    }).pipe(Effect.scoped)
}
