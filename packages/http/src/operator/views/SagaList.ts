import { nameOf } from "@halles/entities/inspector/Histories"
import { refused, unfinished } from "@halles/entities/inspector/Sagas"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { type Region, regions } from "@halles/shared/Region"
import { Clock, Effect } from "effect"
import type * as Json from "../OperatorJson.ts"

const limitDefault = 50
/** Unfinished sagas that are looked at in each region: one that is beyond has moved more lately. */
const lookedAtMax = 500
/** A saga whose step has been pending for so long is stuck: its own timer has fired several times. */
export const stuckAfterMs = 30_000
/** The newest rows of a journal, among which orders that are over are looked for. */
const rowsLookedAt = 20_000

interface SagaQuery {
  readonly cursor?: string
  readonly limit?: number
  readonly state?: typeof Json.SagaState.Type
}

/** Unfinished sagas, those that have not moved for the longest time first; or those that ended lately, or with a refusal. */
export const sagas = ({ cursor, limit = limitDefault, state }: SagaQuery) =>
  Effect.gen(function* () {
    const databases = yield* RegionDatabases
    const now = yield* Clock.currentTimeMillis
    if (state === "done") {
      const found = yield* Effect.forEach(regions, (region) => doneIn(databases, region, limit))
      const items = found
        .flat()
        .toSorted((a, b) => b.since - a.since)
        .slice(0, limit)
      return { items, next: null }
    }
    if (state === "refused") {
      const items = (yield* refused(limit)).map((one): typeof Json.SagaSummary.Encoded => ({
        entity: `Order/${one.id}`,
        state: "refused",
        step: one.step,
        seq: one.seq,
        since: one.at,
        nextTry: null
      }))
      return { items, next: null }
    }
    const all = (yield* unfinished(lookedAtMax)).map((one): typeof Json.SagaSummary.Encoded => ({
      entity: nameOf(one),
      state: now - one.at > stuckAfterMs && !one.isPatient ? "stuck" : "open",
      step: one.pendingStep,
      seq: one.seq,
      since: Math.round(one.at),
      nextTry: Math.round(one.due)
    }))
    const wanted = state === undefined ? all : all.filter((one) => one.state === state)
    const begin = cursor === undefined ? 0 : wanted.findIndex(({ entity }) => entity === cursor) + 1
    const items = wanted.slice(begin, begin + limit)
    const more = begin + limit < wanted.length
    return { items, next: more ? (items.at(-1)?.entity ?? null) : null }
  }).pipe(Effect.catchTag("NoHistory", Effect.die))

/** Orders that are over, the newest first. */
const doneIn = (databases: RegionDatabases["Service"], region: Region, limit: number) =>
  Effect.map(
    databases.of(region)<{ id: string; status: string; seq: number; at: number }>`
      SELECT id, status, seq, (extract(epoch FROM updated_at) * 1000)::bigint::double precision AS at FROM order_view
      WHERE status IN ('delivered', 'cancelled', 'returned') AND id IN (
        SELECT entity_id FROM (SELECT entity_type, entity_id FROM journal ORDER BY position DESC LIMIT ${rowsLookedAt}) AS j
        WHERE entity_type = 'Order')
      ORDER BY updated_at DESC LIMIT ${limit}`,
    (rows) =>
      rows.map(({ at, id, seq }): typeof Json.SagaSummary.Encoded => ({
        entity: `Order/${id}`,
        state: "done",
        step: null,
        seq,
        since: at,
        nextTry: null
      }))
  )
