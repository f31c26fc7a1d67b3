import * as Invariants from "@halles/entities/laws/Invariants"
import { ports } from "@halles/infra/cluster/Ports"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { createServer } from "node:http"
import { closedLoop, type Figures, fixedWork } from "../Measure.ts"
import type { Measurement, Plan } from "../Measurement.ts"
import * as Shop from "./Shop.ts"
import { Stage } from "../Stage.ts"

const inFlight = 64
const skus = 500
/** Carts that are filled at a time before a span. */
const filling = 64

/** The invariants do not hold after the row. */
class Oversold extends Schema.TaggedError<Oversold>()("Oversold", { found: Schema.String }) {
  override get message(): string {
    return `the journal does not keep the invariants: ${this.found}`
  }
}

/** Takes the partners' webhooks in the edge's place and does nothing about them: their answers have told it all. */
const webhookSink = Effect.gen(function* () {
  const { parts } = yield* Stage
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(204).end()
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(ports(parts.layout.portBase).edge, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
})

/** Parcels leave after the row: what comes after `confirmed` is no part of it. */
const laterMs = "3600000"

/** A runner and both partners, until the scope ends. */
export const market = Effect.gen(function* () {
  const stage = yield* Stage
  yield* webhookSink
  yield* stage.partners({ HALLES_CARRIER_DISPATCH_MS: laterMs })
  yield* stage.runner("eu-1")
})

const rowsOfJournal = Effect.gen(function* () {
  const { database } = yield* Stage
  return yield* Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ rows: number }>`SELECT count(*)::int AS rows FROM journal`
    return row!.rows
  }).pipe(Effect.provide(database))
})

const setting = (what: string) =>
  `${what}, ${inFlight} in flight, 2 lines, one runner, gateway and carrier with fsync; webhooks answered by the client`

const sizes = (quick: boolean) => (quick ? { warmUp: 700, operations: 1_600 } : { warmUp: 4_000, operations: 12_000 })

/** The saga on carts that were filled before: `CheckOut` until `Settled` answers `confirmed`. */
const saga = Effect.fnUntraced(function* (row: string, shop: Shop.Shop, { quick }: Plan, what: string) {
  const stage = yield* Stage
  const { operations, warmUp } = sizes(quick)
  const carts = Array.from({ length: warmUp + operations }).keys()
  yield* Effect.forEach(carts, shop.fill, { concurrency: filling, discard: true })
  const rowsBefore = yield* rowsOfJournal
  const figures = yield* fixedWork({
    row,
    setting: setting(what),
    inFlight,
    warmUp,
    operations,
    cpu: stage.cpu,
    operation: (n) => Effect.flatMap(shop.checkOut(n), Shop.confirmed)
  })
  const rows = (yield* rowsOfJournal) - rowsBefore
  return { ...figures, extra: { journalRowsPerOp: rows / (warmUp + operations) } } satisfies Figures
})

/** `checkout`: the saga alone. `checkoutWhole`: with `OpenCart` and both `PutLine`. Uniform over 500 SKUs with plenty of stock. */
export const checkout: Measurement = {
  rows: ["checkout", "checkoutWhole"],
  run: (plan) =>
    Effect.gen(function* () {
      const stage = yield* Stage
      yield* market
      yield* Effect.gen(function* () {
        if (plan.wants("checkout")) {
          const shop = yield* Shop.open({ row: "checkout", skus, stock: 1_000_000 })
          yield* plan.report("checkout", yield* saga("checkout", shop, plan, `${skus} SKUs, carts filled before`))
        }
        if (plan.wants("checkoutWhole")) {
          const shop = yield* Shop.open({ row: "checkoutWhole", skus, stock: 1_000_000 })
          const figures = yield* closedLoop({
            row: "checkoutWhole",
            setting: setting(`${skus} SKUs, OpenCart and two PutLine included`),
            inFlight,
            span: { ...plan.span, warmUpMs: plan.span.warmUpMs / (plan.wants("checkout") ? 3 : 1) },
            cpu: stage.cpu,
            operation: (n) => Effect.andThen(shop.fill(n), Effect.flatMap(shop.checkOut(n), Shop.confirmed))
          })
          yield* plan.report("checkoutWhole", figures)
        }
      }).pipe(Effect.provide(stage.client))
    }).pipe(Effect.scoped)
}

/** More customers than there are goods come at the end: each of them must be refused. */
const tooMany = 64

/** The same with both lines of every cart on one SKU, which is sold to the last unit; then the journal is proved. */
export const checkoutHot: Measurement = {
  rows: ["checkoutHot"],
  run: (plan) =>
    Effect.gen(function* () {
      const stage = yield* Stage
      yield* market
      yield* Effect.gen(function* () {
        const { operations, warmUp } = sizes(plan.quick)
        const carts = warmUp + operations
        const shop = yield* Shop.open({ row: "checkoutHot", skus: 1, stock: 2 * carts })
        const figures = yield* saga("checkoutHot", shop, plan, "one SKU, carts filled before")
        const late = Array.from({ length: tooMany }, (_, at) => carts + at)
        yield* Effect.forEach(late, shop.fill, { concurrency: filling, discard: true })
        const ends = yield* Effect.forEach(late, shop.checkOut, { concurrency: inFlight })
        const sold = ends.find(({ cancelled }) => cancelled?.code !== "no_stock")
        if (sold !== undefined) return yield* new Oversold({ found: `${sold.id} is ${sold.status}` })
        const report = yield* Invariants.check({ running: true }).pipe(Effect.provide(stage.database))
        const found = report.found.map(({ detail, invariant }) => `${invariant} ${detail}`).join("; ")
        if (report.violations > 0) return yield* new Oversold({ found })
        yield* plan.report("checkoutHot", {
          ...figures,
          extra: { ...figures.extra, violations: report.violations, refusedWhenSoldOut: ends.length }
        })
      }).pipe(Effect.provide(stage.client))
    }).pipe(Effect.scoped)
}
