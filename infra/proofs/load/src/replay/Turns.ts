import { say } from "@halles/harness/Progress"
import { Clock, Deferred, Effect } from "effect"
import * as Customers from "./Customers.ts"
import { type EdgeLost, type Refused, TooManyFailures, Unfulfilled } from "./LoadErrors.ts"
import * as Orders from "./Orders.ts"
import { Phases } from "./Phases.ts"
import type { Return } from "./Purchases.ts"
import type { Sale } from "./Sale.ts"

/** An open loop starts on time whatever the shop does, up to so many invoices in flight. */
const openLoopMax = 1_000
const failuresMax = 100

/** What came of a plan; sales and returns are missing where they failed. */
export interface Outcome {
  /** By invoice. */
  readonly placed: ReadonlyMap<string, Orders.Placed>
  readonly returned: number
  readonly failures: ReadonlyArray<string>
  readonly seconds: number
  /** In an open loop, how late the latest start was. */
  readonly latenessMsMax: number
}

export interface Pace {
  readonly concurrency: number
  /** Invoices a second, whatever the answers do; without it, as fast as `concurrency` allows. */
  readonly rate: number | undefined
}

/** A sale in its customer's queue. */
interface Turn {
  readonly sale: Sale
  readonly index: number
  /** The customer's sale before this one. */
  readonly previous: Sale | undefined
  readonly ended: Deferred.Deferred<void>
}

/** The sales in their order, each with the one that its customer made before it. */
const queue = (sales: ReadonlyArray<Sale>): ReadonlyMap<string, Turn> => {
  const latest = new Map<string, Sale>()
  return new Map(
    sales.map((sale, index) => {
      const customer = sale.customer === undefined ? undefined : Customers.keyOf(sale.region, sale.customer)
      const previous = customer === undefined ? undefined : latest.get(customer)
      if (customer !== undefined) latest.set(customer, sale)
      return [sale.invoice, { sale, index, previous, ended: Deferred.makeUnsafe<void>() }] as const
    })
  )
}

/** Counts what fails, and stops a replay in which too much does. */
const failureLog = Effect.fnUntraced(function* () {
  const progress = yield* Phases
  const failures: Array<string> = []
  const note = Effect.fnUntraced(function* (error: Refused | Unfulfilled) {
    failures.push(error.message)
    yield* progress.failed
    if (failures.length <= 5) yield* say(error.message)
    if (failures.length >= failuresMax) return yield* new TooManyFailures({ failures })
  })
  return { failures, note }
})

/**
 * Replays sales and returns. The invoices of a customer follow each other; a return follows the order that it is of.
 * An invoice that fails is noted and the rest goes on; an edge that is lost stops the replay.
 */
export const replay = Effect.fn("Turns.replay")(function* (options: {
  readonly run: string
  readonly sales: ReadonlyArray<Sale>
  readonly returns: ReadonlyArray<Return>
  readonly customers: ReadonlyMap<string, string>
  readonly pace: Pace
}) {
  const { customers, pace, returns, run, sales } = options
  const progress = yield* Phases
  const { failures, note } = yield* failureLog()
  yield* progress.phase("invoices", sales.length + returns.length)
  const startedMs = yield* Clock.currentTimeMillis
  const turns = queue(sales)
  const placed = new Map<string, Orders.Placed>()
  let returned = 0
  let finishedMs = startedMs
  let latenessMsMax = 0

  const due = Effect.fnUntraced(function* (index: number) {
    if (pace.rate === undefined) return
    const lateMs = (yield* Clock.currentTimeMillis) - (startedMs + (index * 1000) / pace.rate)
    latenessMsMax = Math.max(latenessMsMax, lateMs)
    if (lateMs < 0) yield* Effect.sleep(-lateMs)
  })
  const end = (invoice: string | undefined) => {
    const turn = invoice === undefined ? undefined : turns.get(invoice)
    return turn === undefined ? Effect.void : Deferred.await(turn.ended)
  }
  const sell = Effect.fnUntraced(function* ({ index, previous, sale }: Turn) {
    yield* due(index)
    yield* end(previous?.invoice)
    const customerId = sale.customer && customers.get(Customers.keyOf(sale.region, sale.customer))
    placed.set(sale.invoice, yield* Orders.place(run, sale, customerId))
    finishedMs = yield* Clock.currentTimeMillis
  })
  const takeBack = Effect.fnUntraced(function* (back: Return) {
    yield* end(back.invoice)
    const what = `cancellation ${back.cancellation} of invoice ${back.invoice}`
    const sold = placed.get(back.invoice)
    if (sold === undefined) return yield* new Unfulfilled({ what, status: "it has no order" })
    yield* Orders.giveBack(run, back, sold.orderId)
    returned += 1
  })
  const noted = <R>(effect: Effect.Effect<void, Refused | Unfulfilled | EdgeLost, R>) =>
    effect.pipe(Effect.catchTags({ Refused: note, Unfulfilled: note }), Effect.andThen(progress.advance(1)))

  const selling = Effect.forEach(
    turns.values(),
    (turn) => Effect.ensuring(noted(sell(turn)), Deferred.succeed(turn.ended, undefined)),
    { concurrency: pace.rate === undefined ? pace.concurrency : openLoopMax, discard: true }
  )
  const takingBack = Effect.forEach(returns, (back) => noted(takeBack(back)), {
    concurrency: Math.max(2, Math.ceil(pace.concurrency / 2)),
    discard: true
  })
  yield* Effect.all([selling, takingBack], { concurrency: "unbounded", discard: true })
  const outcome: Outcome = { placed, returned, failures, seconds: (finishedMs - startedMs) / 1000, latenessMsMax }
  return outcome
})
