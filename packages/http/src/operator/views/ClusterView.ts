import * as Alarms from "@halles/entities/inspector/Alarms"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { BreakerNews } from "@halles/shared/clients/BreakerNews"
import { percentile } from "@halles/engine/activation/EntityCalls"
import { Placement } from "@halles/engine/placement/Placement"
import { type Region, regions, shardsPerRegion } from "@halles/shared/Region"
import { RunnerPresence, type Seen } from "@halles/engine/placement/RunnerPresence"
import * as Shard from "@halles/shared/Shard"
import * as Subject from "@halles/shared/Subject"
import { Clock, Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import type * as Json from "../OperatorJson.ts"
import { AuditWatch } from "./AuditWatch.ts"
import { RegionFacts } from "./RegionFacts.ts"
import { latenciesOf, Statuses, together } from "./Statuses.ts"
import { Streams } from "./Streams.ts"

/** Who is leaving is read anew after this. */
const freshFor = "500 millis"
const alarmsFreshFor = "3 seconds"
/** Moves that are shown. */
const movesMax = 200

type Leaving = ReadonlyMap<string, "operator" | "stopping">

type Encoded<S extends { readonly Encoded: unknown }> = S["Encoded"]

/** The cluster as operators see it: put together from placement, heartbeats, what runners tell, and the databases. */
export class ClusterView extends Context.Service<
  ClusterView,
  {
    readonly overview: Effect.Effect<Encoded<typeof Json.Overview>>
    readonly shards: (among: ReadonlyArray<Region>) => Effect.Effect<Encoded<typeof Json.Shards>>
    readonly runners: Effect.Effect<Encoded<typeof Json.Runners>>
    readonly alarms: Effect.Effect<Encoded<typeof Json.Alarms>>
    readonly types: Effect.Effect<Encoded<typeof Json.Types>>
    /** The newest moves, planned ones first. */
    readonly moves: (among: ReadonlyArray<Region>) => Effect.Effect<Encoded<typeof Json.Moves>, Unavailable>
  }
>()("@halles/http/Operator/ClusterView") {
  static readonly layer = Layer.effect(
    ClusterView,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const control = yield* SqlClient.SqlClient
  const placement = yield* Placement
  const presence = yield* RunnerPresence
  const statuses = yield* Statuses
  const facts = yield* RegionFacts
  const streams = yield* Streams
  const databases = yield* RegionDatabases
  const audit = yield* AuditWatch
  const breakers = yield* BreakerNews

  const leaving = yield* Effect.cachedWithTTL(
    control<{ runner: string; wish: "operator" | "stopping" }>`
      SELECT runner, wish FROM runner_leaving ORDER BY wish DESC`.pipe(
      Effect.map((rows): Leaving => new Map(rows.map(({ runner, wish }) => [runner, wish]))),
      Effect.catch((error) =>
        Effect.as(Effect.logWarning("It cannot be read who is leaving", error.reason._tag), new Map() as Leaving)
      )
    ),
    freshFor
  )

  const alive = Effect.map(presence.alive, (seen) =>
    seen.filter((one): one is Seen & { region: Region } => isRegion(one))
  )

  const runners = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const { shards } = placement.view()
    const wishes = yield* leaving
    const items = (yield* alive).map(({ id, lastSeenMs, region, startedAtMs, version }) => {
      const figures = statuses.of(id)
      return {
        id,
        region,
        address: Subject.runner(region, id),
        version,
        since: startedAtMs,
        heartbeatAgeMs: Math.max(0, now - lastSeenMs),
        cpu: figures?.newest.cpu ?? null,
        rssBytes: figures?.newest.rssBytes ?? null,
        heapBytes: figures?.newest.heapBytes ?? null,
        eventLoopDelayP99Ms: figures?.newest.eventLoopDelayP99Ms ?? null,
        activeEntities: figures?.newest.types.reduce((sum, { active }) => sum + active, 0) ?? null,
        callsPerSecond: figures?.callsPerSecond ?? null,
        commitsPerSecond: figures?.commitsPerSecond ?? null,
        shards: shards.filter(({ runner }) => runner === id).length,
        shardsHeld: shards.filter(({ holder, runner }) => runner === id && holder === id).length,
        draining: wishes.get(id) ?? null
      }
    })
    return { at: now, items }
  })

  /** They read several tables: however many look, once in a while. */
  const raised = yield* Effect.cachedWithTTL(
    Effect.flatMap(
      Effect.all([alive, audit.findings, breakers.open, streams.givenUp]),
      ([seen, auditFindings, open, givenUp]) =>
        Alarms.alarms({ alive: new Set(seen.map(({ id }) => id)), auditFindings, breakers: open, givenUp })
    ).pipe(Effect.provideService(RegionDatabases, databases), Effect.provideService(SqlClient.SqlClient, control)),
    alarmsFreshFor
  )

  const figuresIn = (region: Region) =>
    Effect.map(alive, (seen) => seen.filter((one) => one.region === region).flatMap(({ id }) => statuses.of(id) ?? []))

  const shardsOf = Effect.fnUntraced(function* (region: Region) {
    const now = yield* Clock.currentTimeMillis
    const known = yield* facts.of(region)
    const { pins, shards } = placement.view()
    const figures = yield* figuresIn(region)
    const rows = shards
      .filter((placed) => placed.region === region)
      .map(({ holder, runner, shard }) => {
        const epoch = known?.epochs.get(shard)
        return [
          shard,
          runner,
          holder,
          epoch?.epoch ?? null,
          epoch === undefined ? null : Math.max(0, Math.round(now - epoch.at)),
          figures.reduce((sum, one) => sum + (one.shards.get(shard) ?? 0), 0),
          Math.round(known?.overdue.get(shard) ?? 0),
          known?.parked.get(shard) ?? 0,
          pins.get(Shard.groupOf(region, shard)) ?? null
        ] as const
      })
    return { region, rows }
  })

  const overviewOf = Effect.fnUntraced(function* (region: Region) {
    const known = yield* facts.of(region)
    const figures = yield* figuresIn(region)
    const latencies = latenciesOf(figures.flatMap(({ types }) => types))
    const own = placement.view().shards.filter((placed) => placed.region === region)
    return {
      region,
      runners: (yield* alive).filter((one) => one.region === region).length,
      shardsOwned: own.filter(({ holder, runner }) => runner !== null && holder === runner).length,
      shards: own.length === 0 ? shardsPerRegion : own.length,
      commandsPerSecond: figures.reduce((sum, one) => sum + one.callsPerSecond, 0),
      commitsPerSecond: figures.reduce((sum, one) => sum + one.commitsPerSecond, 0),
      ...latencies,
      sagaBacklog: known?.sagaBacklog ?? 0,
      oldestOverdueTimerMs: known === null ? null : Math.max(0, ...known.overdue.values()),
      outboxLagMs: known?.outboxLagMs ?? null,
      projectionLag: yield* streams.projectionLag(region),
      parked: [...(known?.parked.values() ?? [])].reduce((sum, one) => sum + one, 0),
      alarms: (yield* raised).filter((one) => one.region === region).length
    }
  })

  return ClusterView.of({
    runners,
    overview: Effect.gen(function* () {
      return {
        at: yield* Clock.currentTimeMillis,
        regions: yield* Effect.forEach(regions, overviewOf, { concurrency: "unbounded" })
      }
    }),
    shards: (among) =>
      Effect.gen(function* () {
        return {
          at: yield* Clock.currentTimeMillis,
          regions: yield* Effect.forEach(among, shardsOf, { concurrency: "unbounded" })
        }
      }),
    alarms: Effect.map(raised, (items) => ({ items })),
    types: Effect.gen(function* () {
      const figures = (yield* alive).flatMap(({ id }) => statuses.of(id)?.types ?? [])
      const items = together(figures)
        .map(({ commands, underWay, ...type }) => ({
          ...type,
          mailboxDepth: underWay,
          commands: commands
            .map(({ latencies, ...counts }) => ({
              ...counts,
              p50Ms: percentile(latencies, 0.5),
              p99Ms: percentile(latencies, 0.99)
            }))
            .toSorted((a, b) => (a.command < b.command ? -1 : 1))
        }))
        .toSorted((a, b) => (a.type < b.type ? -1 : 1))
      return { at: yield* Clock.currentTimeMillis, items }
    }),
    moves: (among) =>
      control<Omit<Encoded<typeof Json.Move>, "id"> & { id: bigint }>`
        SELECT id, region, shard, from_runner AS "from", to_runner AS "to", reason,
          (extract(epoch FROM planned_at) * 1000)::bigint::double precision AS "plannedAt",
          (extract(epoch FROM started_at) * 1000)::bigint::double precision AS "startedAt"
        FROM shard_move WHERE region = ANY(${[...among]}::text[])
        ORDER BY (started_at IS NULL) DESC, id DESC LIMIT ${movesMax}`.pipe(
        Effect.map((rows) => ({ items: rows.map((row) => ({ ...row, id: String(row.id) })) })),
        Effect.mapError(() => new Unavailable())
      )
  })
})

const isRegion = ({ region }: Seen): boolean => (regions as ReadonlyArray<string>).includes(region)
