import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { difference } from "@halles/entities/inspector/Difference"
import { nameOf, refsOf, type Row, rowsOf, whenOf } from "@halles/entities/inspector/Histories"
import { masked } from "@halles/entities/inspector/Masked"
import { search } from "@halles/entities/inspector/Search"
import { stateOf } from "@halles/entities/inspector/Histories"
import { traced } from "@halles/entities/inspector/Trace"
import { whatIf } from "@halles/entities/inspector/WhatIf"
import { where } from "@halles/entities/inspector/Where"
import { models } from "@halles/entities/Domains"
import { resume } from "@halles/engine/activation/ParkedEntities"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { regionOf, regions } from "@halles/shared/Region"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { Refused } from "@halles/entities/routes/Edge"
import { InvalidRequest, Unavailable } from "@halles/shared/wire/EdgeErrors"
import { decide, note } from "../access/Held.ts"
import { OperatorApi, unmasking } from "./OperatorApi.ts"
import type * as Json from "./OperatorJson.ts"
import { NotPossible } from "./OperatorProblems.ts"
import { changing } from "./Changes.ts"
import { unavailable } from "./OperatorFailures.ts"
import { EntityView } from "./views/EntityView.ts"
import { plain } from "./views/Plain.ts"

const limitDefault = 50
const invalid = (parameter: string) => (detail: string) => new InvalidRequest({ errors: [{ parameter, detail }] })

const text = (value: unknown): string | null => (typeof value === "string" ? value : null)
type Json_ = typeof Json.JournalRow.Encoded

/** A row as it is shown, personal data hidden unless somebody may see it. */
export const rowJson = (row: Row, unmask: boolean): Json_ => ({
  entity: nameOf(row),
  seq: row.seq,
  at: Math.round(row.at),
  commandId: row.commandId,
  events: (unmask ? row.events : row.events.map((event) => masked(event))) as Json_["events"],
  actor: text(row.meta["actor"]),
  correlationId: text(row.meta["correlationId"]),
  causationId: text(row.meta["causationId"]),
  traceId: text(row.meta["traceId"]),
  shard: row.shard,
  epoch: row.epoch
})

/** Whether personal data is shown: whoever asks for it must be allowed to and say why, and it is written down. */
const unmasks = (query: { readonly unmask?: "true" | "false"; readonly reason?: string }, subject: string) =>
  Effect.gen(function* () {
    const { reason } = query
    if (query.unmask !== "true") return false
    yield* decide(unmasking)
    if (reason === undefined) return yield* invalid("reason")("Required to see personal data")
    yield* note({ action: "ops.unmask", subject, outcome: "allowed", reason })
    return true
  })

type Expected = "NoHistory" | "BadRef" | "BadTime" | "BadCommand" | "HistoryUnreadable"
/** What a reading of histories fails with, as the contract has it. */
const toProblem = <E extends { readonly _tag: string }>(
  error: E
): NotFound | InvalidRequest | Unavailable | Refused<Exclude<E, { readonly _tag: Expected }>> => {
  if (error._tag === "NoHistory" || error._tag === "BadRef") {
    return new NotFound({ entity: "Entity", id: "name" in error ? String(error.name) : "" })
  }
  if (error._tag === "HistoryUnreadable") return invalid("at")("message" in error ? String(error.message) : "")
  if (error._tag === "BadTime") return invalid("at")("Expected a seq, or a time such as 2026-11-23T09:41:07Z")
  if (error._tag === "BadCommand") {
    return new InvalidRequest({
      errors: [{ pointer: "/command", detail: "reason" in error ? String(error.reason) : "" }]
    })
  }
  return unavailable(error as Exclude<E, { readonly _tag: Expected }>)
}

/** What entities are and were, from their histories; only who hosts one, and what waits there, is asked of its runner. */
export const EntitiesHttp = HttpApiBuilder.group(
  OperatorApi,
  "entities",
  Effect.fnUntraced(function* (handlers) {
    const view = yield* EntityView
    const databases = yield* RegionDatabases
    const reading = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R | RegionDatabases>) =>
      effect.pipe(Effect.provideService(RegionDatabases, databases), Effect.mapError(toProblem))

    return handlers.handleAll({
      listEntities: ({ query }) =>
        Effect.gen(function* () {
          const { limit = limitDefault, type } = query
          if (!models.has(type)) return yield* invalid("type")(`Expected one of ${[...models.keys()].join(", ")}`)
          const fits = yield* Effect.try({
            try: () => (query.where === undefined ? () => true : where(query.where)),
            catch: (cause) => invalid("where")(cause instanceof Error ? cause.message : "")
          })
          const unmask = yield* unmasks(query, `${type}/*`)
          // A condition is asked of what is shown: which entities fulfil it would tell the rest, letter by letter.
          const visible = (state: unknown) => (unmask ? state : masked(state))
          // One region after the other: the cursor names the region and the last id.
          const [from = "", after = ""] = query.cursor?.split(":") ?? []
          const wanted = query.region === undefined ? regions : [query.region]
          const left = wanted.slice(Math.max(0, wanted.indexOf(from as (typeof wanted)[number])))
          const items: Array<typeof Json.EntitySummary.Encoded> = []
          let next: string | null = null
          for (const [index, region] of left.entries()) {
            const begin = region === from && index === 0 ? after : ""
            const found = yield* search(region, type, (state) => fits(visible(state)), limit - items.length + 1, begin)
            for (const { at, id, now } of found) {
              if (items.length === limit) {
                next = `${region}:${items.at(-1)?.entity.startsWith(`${type}/${region}_`) === true ? items.at(-1)!.entity.slice(type.length + 1) : ""}`
                break
              }
              items.push({
                entity: `${type}/${id}`,
                seq: now.seq,
                changed: Math.round(at),
                pendingStep: now.pendingStep,
                state: visible(plain(now.view)) as (typeof items)[number]["state"]
              })
            }
            if (next !== null) break
          }
          return { items, next }
        }).pipe(Effect.provideService(RegionDatabases, databases), Effect.mapError(unavailable)),
      getEntity: ({ params, query }) =>
        Effect.gen(function* () {
          const unmask = yield* unmasks(query, params.id)
          const when = yield* whenOf(query.at)
          const refs = yield* refsOf(params.id)
          return { items: yield* Effect.forEach(refs, (ref) => view.detail(ref, when, unmask)) }
        }).pipe(reading),
      entityEvents: ({ params, query }) =>
        Effect.gen(function* () {
          const unmask = yield* unmasks(query, params.id)
          const { cursor, from = 1, limit = limitDefault, to } = query
          const refs = yield* refsOf(params.id)
          // Of several types one after the other: the cursor names the type and the seq to begin with.
          const [type, seq] = cursor?.split(":") ?? []
          const left =
            type === undefined
              ? refs
              : refs.slice(
                  Math.max(
                    0,
                    refs.findIndex((ref) => ref.type === type)
                  )
                )
          const items: Array<Json_> = []
          for (const [index, ref] of left.entries()) {
            const begin = index === 0 && seq !== undefined ? Math.max(from, Number(seq) || 1) : from
            const rows = yield* rowsOf(ref, {
              from: begin,
              limit: limit - items.length + 1,
              ...(to === undefined ? {} : { to })
            })
            for (const row of rows) {
              if (items.length === limit) return { items, next: `${ref.type}:${row.seq}` }
              items.push(rowJson(row, unmask))
            }
          }
          return { items, next: null }
        }).pipe(reading),
      trace: ({ params, query }) =>
        Effect.gen(function* () {
          const unmask = yield* unmasks(query, params.id)
          const rows = yield* traced(params.id)
          return {
            id: params.id,
            items: caused(rows).map(({ row, ...node }) => ({ ...node, row: rowJson(row, unmask) }))
          }
        }).pipe(reading),
      diffEntity: ({ params, query }) =>
        Effect.gen(function* () {
          const unmask = yield* unmasks(query, params.id)
          const visible = (value: unknown) => (unmask ? plain(value) : masked(plain(value)))
          const items = yield* Effect.forEach(yield* refsOf(params.id), (ref) =>
            Effect.gen(function* () {
              const before = yield* stateOf(ref, { seq: query.from })
              const after = yield* stateOf(ref, { seq: query.to })
              return difference(visible(before.now.view), visible(after.now.view)).map((change) => ({
                entity: nameOf(ref),
                ...change
              }))
            })
          )
          return { items: items.flat() as ReadonlyArray<typeof Json.Change.Encoded> }
        }).pipe(reading),
      whatIf: ({ params, payload }) =>
        Effect.gen(function* () {
          const answer = yield* whatIf(params.id, yield* whenOf(payload.at), payload.command)
          return plain({
            ...answer,
            changes: answer.changes.map((change) => ({ entity: answer.entity, ...change }))
          }) as typeof Json.WhatIf.Encoded
        }).pipe(reading),
      resumeEntity: ({ params, payload }) =>
        Effect.gen(function* () {
          const refs = yield* refsOf(params.id)
          const resumed = yield* Effect.filter(refs, ({ id, type }) => resume(databases.of(regionOf(id)), type, id))
          if (resumed.length === 0) return yield* new NotPossible({ reason: `${params.id} is not parked.` })
          return { done: true, text: `${resumed.map(nameOf).join(", ")} may work again.` } as const
        }).pipe(reading, changing({ action: "ops.resume", subject: params.id, reason: payload.reason }))
    })
  })
)

/** Which row caused which: a command named `<sender>:<step>` was sent by the row of its sender that was committed last before it. */
export const caused = (rows: ReadonlyArray<Row>) => {
  const depths: Array<number> = []
  return rows.map((row, index) => {
    const sender = /^((?:eu|am|ap)_[A-Za-z0-9_-]{1,60}):/.exec(row.commandId)?.[1]
    const actor = text(row.meta["actor"]) ?? ""
    const type = /^([a-z]+):/.exec(actor)?.[1]
    const parent = rows.findLastIndex(
      (other, at) =>
        at < index &&
        (sender === undefined
          ? other.id === row.id && other.type === row.type
          : other.id === sender && (type === undefined || other.type.toLowerCase() === type))
    )
    const depth = parent < 0 ? 0 : sender === undefined ? depths[parent]! : depths[parent]! + 1
    depths.push(depth)
    return { row, parent: parent < 0 ? null : parent, depth }
  })
}
