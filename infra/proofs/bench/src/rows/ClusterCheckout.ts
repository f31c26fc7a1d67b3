import * as NodeServices from "@effect/platform-node/NodeServices"
import { cost } from "@halles/load/report/Cost"
import { bottleneck } from "@halles/load/report/Summary"
import * as Load from "@halles/load/run/Run"
import * as Stand from "@halles/load/run/Stand"
import { Settings } from "@halles/infra/Settings"
import type { Layout } from "@halles/infra/Layout"
import { randomBytes } from "node:crypto"
import { Effect, Option, Schema } from "effect"
import type { Figures } from "../Measure.ts"

/** A span of whole orders over HTTP: as `npm run load -- --running --scenario checkout --keys uniform` does it. */
interface Span {
  readonly callers: number
  readonly warmUpMs: number
  readonly durationMs: number
}

const keyCount = 600
const plenty = 1_000_000

const planOf = ({ callers, durationMs, warmUpMs }: Span): Load.Plan => ({
  scenario: "checkout",
  keys: { spec: { _tag: "Uniform" }, count: keyCount, run: `B${randomBytes(5).toString("hex")}`, lines: "" },
  pace: { _tag: "Closed", callers },
  sales: [],
  stock: plenty,
  warmUpMs,
  durationMs,
  threads: 1,
  direct: false,
  seed: "bench",
  disturbances: []
})

/** The orders of a span were not all right, or it was not the cluster that they waited for. */
class NoFigure extends Schema.TaggedError<NoFigure>()("NoFigure", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/** Orders of a cluster that is there. */
export const ordersOf = Effect.fnUntraced(function* (layout: Layout, span: Span) {
  const stand = yield* Stand.existing(yield* Effect.orDie(Settings), Option.some(layout.directory))
  const outcome = yield* Load.run(planOf(span), stand)
  const { analysis, verdict, violations } = outcome
  const late = bottleneck(outcome)
  const wrong = violations + verdict.lost.length + verdict.duplicated.length + verdict.oversold + analysis.all.failed
  if (wrong > 0) return yield* new NoFigure({ reason: `${wrong} answers of the span were wrong or failed` })
  if (late !== null) return yield* new NoFigure({ reason: late })
  const { cpuSecondsPerOperation, processes, written } = cost(outcome, 0)
  const { operations, p50ms, p95ms, p99ms } = analysis.all
  return {
    opsPerSecond: analysis.perSecond,
    p50ms,
    p95ms,
    p99ms,
    cpuSecondsPerOp: cpuSecondsPerOperation,
    cpuMicrosByProcess: Object.fromEntries(processes.map(({ cpuMicros, name }) => [name, Math.round(cpuMicros)])),
    operations,
    setting: `whole orders over HTTP on what npm start starts: cart, line, checkout, confirmed, then shipped and delivered beside; ${span.callers} in flight after ${span.warmUpMs / 1_000} s`,
    extra: written
  } satisfies Figures
}, Effect.provide(NodeServices.layer))
