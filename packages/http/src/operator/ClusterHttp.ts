import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { Placement } from "@halles/engine/placement/Placement"
import { type Region, regionOf, regions } from "@halles/shared/Region"
import { RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { lookAtAudit, operateEntity, OperatorApi, unmasking } from "./OperatorApi.ts"
import { NotPossible } from "./OperatorProblems.ts"
import { Principal } from "@halles/shared/wire/Principal"
import { changing } from "./Changes.ts"
import { unavailable } from "./OperatorFailures.ts"
import { ClusterView } from "./views/ClusterView.ts"
import { EntityView } from "./views/EntityView.ts"
import { isDenial, verdict } from "../access/AccessVerdict.ts"
import type { Rule } from "@halles/shared/wire/AccessRule"

const limitDefault = 50
const done = (text: string) => ({ done: true, text }) as const

const me = Effect.gen(function* () {
  const principal = yield* Principal
  const { called, kind, region, roles, subject } = principal
  const about = { owner: "other", region: region ?? null } as const
  const decided = (rule: Rule | undefined) => verdict(rule, principal, about)
  const may = (rule: Rule | undefined) => !isDenial(decided(rule))
  const change = decided(operateEntity)
  return {
    subject,
    name: called === undefined || called.name === "" ? null : called.name,
    email: called === undefined || called.email === "" ? null : called.email,
    kind: kind === "anonymous" ? ("staff" as const) : kind,
    roles: [...roles],
    mayWrite: may(operateEntity),
    mayUnmask: may(unmasking),
    mayAudit: may(lookAtAudit),
    needsTwoFactors: isDenial(change) && change.reason === "strong"
  }
})

const among = (region: Region | undefined) => (region === undefined ? regions : [region])

/** What the cluster is, and what operators do to runners and shards: wishes in `halles_control` that the mover fulfils. */
export const ClusterHttp = HttpApiBuilder.group(
  OperatorApi,
  "cluster",
  Effect.fnUntraced(function* (handlers) {
    const view = yield* ClusterView
    const placement = yield* Placement
    const presence = yield* RunnerPresence
    const databases = yield* RegionDatabases
    const entities = yield* EntityView

    const living = Effect.fnUntraced(function* (id: string) {
      const seen = (yield* presence.alive).find((one) => one.id === id)
      return seen ?? (yield* new NotFound({ entity: "Runner", id }))
    })

    return handlers.handleAll({
      me: () => me,
      overview: () => view.overview,
      alarms: () => view.alarms,
      shards: ({ query }) => view.shards(among(query.region)),
      moves: ({ query }) => view.moves(among(query.region)),
      runners: () => view.runners,
      types: () => view.types,
      shardEntities: ({ params, query }) =>
        Effect.gen(function* () {
          const { cursor = "", limit = limitDefault } = query
          const [type = "", id = ""] = cursor.split("/")
          const rows = yield* databases.of(params.region)<{ type: string; id: string; seq: number; at: number }>`
            SELECT DISTINCT ON (entity_type, entity_id) entity_type AS type, entity_id AS id, seq,
              (extract(epoch FROM at) * 1000)::bigint::double precision AS at
            FROM journal WHERE shard = ${params.shard} AND (entity_type, entity_id) > (${type}, ${id})
            ORDER BY entity_type, entity_id, seq DESC LIMIT ${limit + 1}`
          const page = rows.slice(0, limit)
          const last = page.at(-1)
          const names = page.map((row) => `${row.type}/${row.id}`)
          const active = yield* entities.directory(params.region, params.shard, names)
          return {
            items: page.map((row, index) => ({
              entity: names[index]!,
              seq: row.seq,
              at: row.at,
              isActive: active?.has(names[index]!) ?? null
            })),
            next: rows.length > limit && last !== undefined ? `${last.type}/${last.id}` : null
          }
        }).pipe(Effect.mapError(unavailable)),
      moveShard: ({ params: { region, shard }, payload: { reason, runner } }) =>
        Effect.gen(function* () {
          if (!placement.view().shards.some((placed) => placed.region === region && placed.shard === shard)) {
            return yield* new NotPossible({ reason: `${region} has no shard ${shard}.` })
          }
          const seen = (yield* presence.alive).find(({ id }) => id === runner)
          if (seen?.region !== region) {
            return yield* new NotPossible({ reason: `${runner} is no living runner of ${region}.` })
          }
          if ((yield* placement.leaving).has(runner)) {
            return yield* new NotPossible({ reason: `${runner} is being drained. Undrain it first.` })
          }
          yield* placement.pin(region, shard, runner)
          return done(`${region}/${shard} goes to ${runner} and stays there until it is unpinned.`)
        }).pipe(
          Effect.mapError(unavailable),
          changing({ action: "ops.move", subject: `${region}/${shard}`, reason, details: { runner } })
        ),
      unpinShard: ({ params: { region, shard }, payload: { reason } }) =>
        Effect.gen(function* () {
          if (yield* placement.unpin(region, shard)) return done(`${region}/${shard} may be placed again.`)
          return yield* new NotPossible({ reason: `${region}/${shard} was given to no runner.` })
        }).pipe(Effect.mapError(unavailable), changing({ action: "ops.unpin", subject: `${region}/${shard}`, reason })),
      drainRunner: ({ params: { id }, payload: { reason } }) =>
        Effect.gen(function* () {
          const { region } = yield* living(id)
          const leaving = yield* placement.leaving
          const others = (yield* presence.alive)
            .filter((seen) => seen.region === region && seen.id !== id && !leaving.has(seen.id))
            .map((seen) => seen.id)
          if (!(yield* placement.drain(regionOf(id), id, others))) {
            return yield* new NotPossible({ reason: `Nobody else in ${region} could take the shards of ${id}.` })
          }
          return done(`${id} is drained: its shards go to ${others.join(", ")}.`)
        }).pipe(Effect.mapError(unavailable), changing({ action: "ops.drain", subject: id, reason })),
      undrainRunner: ({ params: { id }, payload: { reason } }) =>
        Effect.gen(function* () {
          if (!(yield* placement.leaving).has(id)) yield* living(id)
          yield* placement.stay(regionOf(id), id, "operator")
          return done(`${id} may have shards again.`)
        }).pipe(Effect.mapError(unavailable), changing({ action: "ops.undrain", subject: id, reason }))
    })
  })
)
