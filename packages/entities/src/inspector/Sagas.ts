import { regions, type Region } from "@halles/shared/Region"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { sagas } from "../Domains.ts"
import { RegionDatabases } from "../routes/Reads.ts"
import { type Ref, refsOf, rowsOf, stateOf } from "./Histories.ts"
import { cartIdIn } from "./Purchase.ts"

/** A saga with a pending step. */
export interface Unfinished extends Ref {
  readonly pendingStep: string
  /** It may rightly take long. */
  readonly isPatient: boolean
  /** When it moved last, and when its timer is due, in Unix milliseconds. */
  readonly at: number
  readonly due: number
  readonly seq: number
}

/** Stands for the pending step of a saga whose history cannot be read. */
export const unknownStep = "what its history does not tell"

/**
 * An unfinished saga has a timer that drives it again soon: who has one is looked at, who has no pending step is left out. Timers
 * of later, such as those of holds and of carts, are of no pending step.
 */
export const unfinished = Effect.fn("Sagas.unfinished")(function* (
  limit: number,
  among: ReadonlyArray<Region> = regions
) {
  const databases = yield* RegionDatabases
  const found = yield* Effect.forEach(
    among,
    (region) =>
      databases.of(region)<{ type: string; id: string; due: number }>`
      SELECT entity_type AS type, entity_id AS id, (extract(epoch FROM due_at) * 1000)::double precision AS due
      FROM timer WHERE entity_type = ANY(${sagas}::text[]) AND due_at < now() + interval '15 seconds'
      ORDER BY due_at LIMIT ${limit}`,
    { concurrency: "unbounded" }
  )
  const looked = yield* Effect.forEach(found.flat(), ({ due, id, type }) =>
    stateOf({ type, id }, "now").pipe(
      Effect.map(({ at, now }): ReadonlyArray<Unfinished> =>
        now.pendingStep === null
          ? []
          : [{ type, id, due, pendingStep: now.pendingStep, isPatient: now.isPatient, at: at ?? 0, seq: now.seq }]
      ),
      // Whatever its pending step is, it does not go on.
      Effect.catchTag("HistoryUnreadable", ({ seq }) =>
        Effect.succeed<ReadonlyArray<Unfinished>>([
          { type, id, due, pendingStep: unknownStep, isPatient: false, at: due, seq: seq - 1 }
        ])
      )
    )
  )
  // Stuck ones first: those that have not moved for the longest time.
  return looked.flat().toSorted((a, b) => a.at - b.at)
})

/** A step of an order that was refused for good; it is not pending until an operator has it sent again. */
export interface RefusedStep {
  readonly id: string
  readonly step: string
  readonly reason: string
  /** Unix milliseconds. */
  readonly at: number
  readonly seq: number
}

/** By the read table, the newest first. */
export const refusedIn = (sql: SqlClient.SqlClient, limit: number) =>
  sql<RefusedStep>`
    SELECT v.id, r.step, r.reason, r.at::double precision AS at, v.seq
    FROM order_view v, jsonb_to_recordset(v.refused) AS r(step text, reason text, at bigint, again boolean)
    WHERE v.refused <> '[]' AND NOT r.again ORDER BY r.at DESC LIMIT ${limit}`

export const refused = Effect.fn("Sagas.refused")(function* (limit: number, among: ReadonlyArray<Region> = regions) {
  const databases = yield* RegionDatabases
  const found = yield* Effect.forEach(among, (region) => refusedIn(databases.of(region), limit), {
    concurrency: "unbounded"
  })
  return found
    .flat()
    .toSorted((a, b) => b.at - a.at)
    .slice(0, limit)
})

/** The rows of order, payment and shipment under an id, and of the cart that the order is of, in the order of their times. */
export const stepsOf = Effect.fn("Sagas.stepsOf")(function* (given: string) {
  const own = (yield* refsOf(given)).filter(({ type }) => sagas.includes(type))
  const ownRows = (yield* Effect.forEach(own, (ref) => rowsOf(ref, {}))).flat()
  const cartId = cartIdIn(ownRows)
  const cart = { type: "Cart", id: cartId ?? "" }
  const isKnown = cartId === null || own.some(({ id, type }) => type === cart.type && id === cart.id)
  const rows = isKnown ? ownRows : [...ownRows, ...(yield* rowsOf(cart, {}))]
  return { refs: isKnown ? own : [...own, cart], rows: rows.toSorted((a, b) => a.at - b.at) }
})
