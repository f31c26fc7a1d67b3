import { PgTypes } from "@effect/sql-pg"
import type { OrderView } from "@halles/entities/order/Order"
import { Deferred, Effect, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { market } from "./Checkout.ts"
import { closedLoop, figures, type Figures } from "../Measure.ts"
import type { Measurement } from "../Measurement.ts"
import * as Shop from "./Shop.ts"
import { Stage } from "../Stage.ts"

const inFlight = 64
const skus = 500
/** One order of so many is looked for. */
const every = 4
/** Between two looks at the table: the resolution of the figure. */
const pollMs = 5
/** An order that is not seen for so long is lost. */
const lostAfterMs = 20_000

class NeverSeen extends Schema.TaggedError<NeverSeen>()("NeverSeen", { orders: Schema.Int }) {
  override get message(): string {
    return this.orders === 0
      ? "no order was confirmed in the span and looked for"
      : `${this.orders} confirmed orders were not in the order list within ${lostAfterMs / 1000} s`
  }
}

interface Awaited {
  readonly seq: number
  /** When the event was decided, which is before it was committed; Unix milliseconds. */
  readonly at: number
}

/** Looks for confirmed orders in the table behind the order list until each of them is there. */
const makeWatch = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const awaited = new Map<string, Awaited>()
  const lags: Array<{ readonly at: number; readonly ms: number }> = []
  const look = Effect.gen(function* () {
    if (awaited.size === 0) return
    const ids = Result.getOrThrow(PgTypes.array([...awaited.keys()], PgTypes.OID.text))
    const rows = yield* sql<{ id: string; seq: number }>`SELECT id, seq FROM order_view WHERE id = ANY(${ids})`
    const now = Date.now()
    for (const { id, seq } of rows) {
      const one = awaited.get(id)
      if (one === undefined || seq < one.seq) continue
      awaited.delete(id)
      lags.push({ at: one.at, ms: now - one.at })
    }
    const lost = [...awaited.values()].filter(({ at }) => now - at > lostAfterMs).length
    if (lost > 0) return yield* new NeverSeen({ orders: lost })
  })
  return {
    await: ({ id, seq, steps }: OrderView) => awaited.set(id, { seq, at: steps.at(-1)!.at }),
    run: Effect.forever(Effect.delay(look, pollMs)),
    lagsSince: (since: number): ReadonlyArray<number> => lags.filter(({ at }) => at >= since).map(({ ms }) => ms),
    seen: Effect.suspend(() => (awaited.size === 0 ? Effect.void : Effect.fail("not yet" as const)))
  }
})

/**
 * `project`: from the moment at which an order's `confirmed` was decided (its commit comes after it) until a look at
 * `order_view`, every 5 ms, finds that row of the journal applied. Checkouts, carts included, go on meanwhile.
 */
export const project: Measurement = {
  rows: ["project"],
  run: ({ report, span }) =>
    Effect.gen(function* () {
      const stage = yield* Stage
      yield* market
      yield* Effect.gen(function* () {
        const shop = yield* Shop.open({ row: "project", skus, stock: 1_000_000 })
        const watch = yield* makeWatch
        const lost = yield* Deferred.make<never, Error>()
        yield* Effect.forkScoped(Effect.catchCause(watch.run, (cause) => Deferred.failCause(lost, cause)))
        const startedAt = Date.now()
        const load = yield* closedLoop({
          row: "project",
          setting: "",
          inFlight,
          span,
          cpu: stage.cpu,
          operation: (n) =>
            Effect.gen(function* () {
              yield* shop.fill(n)
              const order = yield* Effect.flatMap(shop.checkOut(n), Shop.confirmed)
              if (n % every === 0) watch.await(order)
            })
        }).pipe(Effect.raceFirst(Deferred.await(lost)))
        yield* Effect.raceFirst(Effect.eventually(Effect.delay(watch.seen, pollMs)), Deferred.await(lost))
        const lags = watch.lagsSince(startedAt + span.warmUpMs)
        if (lags.length === 0) return yield* new NeverSeen({ orders: 0 })
        const { p50ms, p95ms, p99ms } = figures({ latencies: lags, seconds: 1, before: {}, after: {}, setting: "" })
        yield* report("project", {
          ...load,
          p50ms,
          p95ms,
          p99ms,
          setting:
            `${skus} SKUs, ${inFlight} checkouts in flight with their carts; ops/s and CPU are of checkouts, latencies ` +
            `from deciding "confirmed" to a look at order_view that sees it, every ${pollMs} ms, one order of ${every}`,
          extra: { samples: lags.length, checkoutP99ms: load.p99ms }
        } satisfies Figures)
      }).pipe(Effect.provide([stage.client, stage.database]))
    }).pipe(Effect.scoped)
}
