import { type Region, regions } from "@halles/shared/Region"
import { Clock, Effect } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { type Code, goneMs, objectives, recentMs } from "./Alarms/Objectives.ts"
import { stateOf } from "./Inspector/Histories.ts"
import { processManagers } from "./Inspector/Sagas.ts"
import { RegionDatabases } from "./Reads.ts"

/** Something that somebody should look at, and how to begin. */
export interface Alarm {
  /** The same as long as it lasts. */
  readonly id: string
  readonly code: Code
  readonly severity: "info" | "warning" | "critical"
  readonly region: Region | null
  readonly shard: number | null
  /** An entity, a runner, a projection. */
  readonly subject: string | null
  /** Unix milliseconds. */
  readonly since: number
  readonly value: number
  readonly objective: number
  readonly text: string
  readonly command: string
}

/** What the databases do not tell: who has it adds it. */
export interface Live {
  /** Runners that are heard. */
  readonly alive?: ReadonlySet<string>
  readonly breakers?: ReadonlyArray<{ readonly process: string; readonly region: Region; readonly dependency: string }>
  /** What does not fit in the audit log. */
  readonly auditFindings?: ReadonlyArray<{ readonly kind: string; readonly seq: bigint; readonly detail: string }>
}

/** Alarms of one kind in one region; what is beyond is in the text of the last one. */
const eachMax = 20
/** Sagas whose states are looked at. */
const sagasMax = 10
/** The newest rows of the journal that are held against a read table. */
const rowsMax = 300
const deadline = "4 seconds"

const projections = [
  { name: "order", type: "Order", table: "order_view" },
  { name: "stock", type: "Sku", table: "stock_view" },
  { name: "product", type: "Product", table: "product_view" }
] as const

interface Raised {
  readonly code: Code
  readonly region?: Region | null
  readonly shard?: number | null
  readonly subject?: string | null
  readonly since: number
  readonly value: number
  readonly text: string
}

export const alarm = ({ code, region = null, shard = null, since, subject = null, text, value }: Raised): Alarm => {
  const { command, objective, severity } = objectives[code]
  const names: Readonly<Record<string, string>> = {
    region: region ?? "",
    shard: String(shard ?? ""),
    subject: subject ?? ""
  }
  return {
    id: [code, region, shard, subject].filter((part) => part !== null).join(":"),
    code,
    severity,
    region,
    shard,
    subject,
    since: Math.round(since),
    value: Math.round(value),
    objective,
    text,
    command: command.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? "")
  }
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`

interface Blocked {
  readonly runner: string
  readonly entity: string | null
  readonly command: string | null
  readonly place: string | null
  readonly shard: number | null
  readonly stood: number
  readonly at: number
}

/** What the tables of one region tell. */
const ofRegion = Effect.fnUntraced(function* (region: Region, sql: SqlClient.SqlClient, now: number) {
  const ms = (column: string) => sql.literal(`(extract(epoch FROM ${column}) * 1000)::double precision`)
  const before = (age: number) => sql`to_timestamp(${String(now - age)}::text::double precision / 1000)`

  const timers = sql<{ shard: number; type: string; id: string; due: number; count: number }>`
    SELECT DISTINCT ON (shard) shard, entity_type AS type, entity_id AS id, ${ms("due_at")} AS due,
      count(*) OVER (PARTITION BY shard)::int AS count
    FROM timer t
    WHERE due_at < ${before(objectives.timer_overdue.objective)} AND NOT EXISTS (
      SELECT FROM parked_entity p WHERE p.entity_type = t.entity_type AND p.entity_id = t.entity_id)
    ORDER BY shard, due_at LIMIT ${eachMax}`
  const sagas = sql<{ type: string; id: string; shard: number; at: number }>`
    SELECT t.entity_type AS type, t.entity_id AS id, t.shard, ${ms("j.at")} AS at
    FROM timer t
    CROSS JOIN LATERAL (
      SELECT at FROM journal_all j WHERE j.entity_type = t.entity_type AND j.entity_id = t.entity_id
      ORDER BY seq DESC LIMIT 1) j
    WHERE t.entity_type = ANY(${processManagers}::text[]) AND t.due_at < now() + interval '15 seconds'
      AND j.at < ${before(objectives.saga_stuck.objective)}
    ORDER BY j.at LIMIT ${sagasMax}`
  const unpublished = sql<{ at: number | null; count: number }>`
    SELECT ${ms("min(at)")} AS at, count(*)::int AS count FROM outbox_batch
    WHERE at < ${before(objectives.events_unpublished.objective)}`
  const parked = sql<{ type: string; id: string; shard: number; cause: string; tries: number; at: number }>`
    SELECT entity_type AS type, entity_id AS id, shard, cause, tries, ${ms("at")} AS at FROM parked_entity
    ORDER BY at DESC LIMIT ${eachMax}`
  const doubled = sql<{ shard: number; entity: string; at: number; count: number; owners: string }>`
    SELECT (detail->>'shard')::int AS shard, min(detail->>'entity') AS entity, ${ms("min(at)")} AS at, count(*)::int AS count,
      concat_ws(' and ', min(detail->'refused'->>'owner'), min(detail->'current'->>'owner')) AS owners
    FROM alarm WHERE kind = 'duplicate_activation' AND at > ${before(recentMs)} GROUP BY 1 LIMIT ${eachMax}`
  const blocked = sql<Blocked>`
    SELECT detail->>'runner' AS runner, detail->>'entity' AS entity, detail->>'command' AS command,
      detail->>'where' AS place, (detail->>'shard')::int AS shard, (detail->>'ms')::double precision AS stood,
      ${ms("at")} AS at
    FROM alarm WHERE kind = 'runner_blocked' AND at > ${before(recentMs)} ORDER BY at DESC LIMIT ${eachMax}`
  const behind = Effect.forEach(projections, ({ name, table, type }) =>
    Effect.map(
      sql<{ at: number | null }>`
        SELECT ${ms("min(j.at)")} AS at
        FROM (
          SELECT entity_id, seq, at FROM journal WHERE entity_type = ${type} ORDER BY position DESC LIMIT ${rowsMax}) j
        LEFT JOIN ${sql(table)} v ON v.id = j.entity_id
        WHERE j.at < ${before(objectives.projection_behind.objective)} AND coalesce(v.seq, 0) < j.seq`,
      ([row]) => ({ name, at: row?.at ?? null })
    )
  )

  const found = yield* Effect.all(
    { timers, sagas, unpublished, parked, doubled, blocked, behind },
    { concurrency: "unbounded" }
  )
  const owing = yield* Effect.forEach(found.sagas, ({ id, type, ...rest }) =>
    stateOf({ type, id }, "now").pipe(
      Effect.map(({ now }) => now.owes),
      // A history that cannot be folded is no reason to keep silent.
      Effect.catchCause(() => Effect.succeed("what its history does not tell")),
      Effect.map((owes) => ({ ...rest, subject: `${type}/${id}`, owes }))
    )
  ).pipe(Effect.map((all) => all.filter(({ owes }) => owes !== null)))
  const [waiting] = found.unpublished
  const raised: ReadonlyArray<Raised> = [
    ...found.timers.map(({ count, due, id, shard, type }) => ({
      code: "timer_overdue" as const,
      shard,
      subject: `${type}/${id}`,
      since: due,
      value: now - due,
      text: `${count} ${count === 1 ? "timer" : "timers"} of shard ${shard} overdue, the oldest by ${seconds(now - due)}`
    })),
    ...owing.map(({ at, owes, shard, subject }) => ({
      code: "saga_stuck" as const,
      shard,
      subject,
      since: at,
      value: now - at,
      text: `Owes ${owes} and has not moved for ${seconds(now - at)}`
    })),
    ...(waiting === undefined || waiting.at === null
      ? []
      : [
          {
            code: "events_unpublished" as const,
            since: waiting.at,
            value: now - waiting.at,
            text: `${waiting.count} committed batches are not in the stream, the oldest for ${seconds(now - waiting.at)}`
          }
        ]),
    ...found.parked.map(({ at, cause, id, shard, tries, type }) => ({
      code: "entity_parked" as const,
      shard,
      subject: `${type}/${id}`,
      since: at,
      value: 1,
      text: `Parked after ${tries} tries: ${cause}`
    })),
    ...found.doubled.map(({ at, count, entity, owners, shard }) => ({
      code: "duplicate_activation" as const,
      shard,
      subject: entity,
      since: at,
      value: count,
      text: `${owners} both believed that they own shard ${shard}; the writes of one were refused`
    })),
    ...found.blocked.map(({ at, command, entity, place, runner, shard, stood }) => ({
      code: "runner_blocked" as const,
      shard,
      subject: runner,
      since: at,
      value: 1,
      text: `${runner} stood still for ${seconds(stood)} and ended itself, ${
        entity === null ? "not in an entity" : `in ${command ?? "the making"} of ${entity}, which is parked`
      }${place === null ? "" : `: ${place}`}`
    })),
    ...found.behind.flatMap(({ at, name }) =>
      at === null
        ? []
        : [
            {
              code: "projection_behind" as const,
              subject: name,
              since: at,
              value: now - at,
              text: `The read table of ${name} lacks what happened ${seconds(now - at)} ago`
            }
          ]
    )
  ]
  return raised.map((one) => alarm({ ...one, region }))
})

/** What the table of shards and the webhooks tell. */
const ofControl = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  now: number,
  alive: ReadonlySet<string> | undefined
) {
  const homeless = yield* sql<{ region: Region; count: number; since: number | null }>`
    SELECT region, count(*)::int AS count, (extract(epoch FROM max(held_since)) * 1000)::double precision AS since
    FROM shard_placement WHERE runner IS NULL OR holder IS NULL GROUP BY region`
  const gone = yield* sql<{ region: Region; runner: string; at: number }>`
    SELECT region, from_runner AS runner, (extract(epoch FROM max(started_at)) * 1000)::double precision AS at
    FROM shard_move m
    WHERE reason = 'dead' AND started_at > to_timestamp(${String(now - goneMs)}::text::double precision / 1000)
      AND from_runner IS NOT NULL
      AND NOT EXISTS (SELECT FROM shard_placement p WHERE p.runner = m.from_runner)
      AND NOT EXISTS (SELECT FROM runner_leaving l WHERE l.runner = m.from_runner)
    GROUP BY region, from_runner ORDER BY at DESC LIMIT ${eachMax}`
  const dead = yield* sql<{ count: number; since: number | null }>`
    SELECT count(*)::int AS count, (extract(epoch FROM min(created_at)) * 1000)::double precision AS since
    FROM webhook.delivery WHERE state = 'dead'`
  return [
    ...homeless.map(({ count, region, since }) =>
      alarm({
        code: "shard_homeless",
        region,
        since: since ?? now,
        value: count,
        text: `${count} shards of ${region} have no runner: their entities do not answer`
      })
    ),
    ...gone
      .filter(({ runner }) => alive?.has(runner) !== true)
      .map(({ at, region, runner }) =>
        alarm({
          code: "runner_gone",
          region,
          subject: runner,
          since: at,
          value: 1,
          text: `${runner} died ${seconds(now - at)} ago and has not come back; others have its shards`
        })
      ),
    ...dead
      .filter(({ count }) => count > 0)
      .map(({ count, since }) =>
        alarm({
          code: "dead_letters",
          since: since ?? now,
          value: count,
          text: `${count} ${count === 1 ? "webhook was" : "webhooks were"} given up after all tries`
        })
      )
  ]
})

const away = (where: string, region: Region | null, since: number) =>
  alarm({
    code: "database_away",
    region,
    subject: where,
    since,
    value: 1,
    text: `The database halles_${where} does not answer within ${deadline}`
  })

/**
 * What somebody should look at now, worst and oldest first: from the databases, so that it works for a stopped cluster
 * too, and from what the asker knows besides. A database that does not answer is an alarm itself.
 */
export const alarms = Effect.fn("Alarms.alarms")(function* (live: Live = {}, among: ReadonlyArray<Region> = regions) {
  const now = yield* Clock.currentTimeMillis
  const control = yield* SqlClient.SqlClient
  const databases = yield* RegionDatabases
  const orAway = <R>(
    found: Effect.Effect<ReadonlyArray<Alarm>, SqlError.SqlError, R>,
    where: string,
    region: Region | null
  ) =>
    found.pipe(
      Effect.timeout(deadline),
      Effect.catch(() => Effect.succeed<ReadonlyArray<Alarm>>([away(where, region, now)]))
    )
  const found = yield* Effect.all(
    [
      orAway(ofControl(control, now, live.alive), "control", null),
      ...among.map((region) => orAway(ofRegion(region, databases.of(region), now), region, region))
    ],
    { concurrency: "unbounded" }
  )
  const told = [
    ...(live.breakers ?? []).map(({ dependency, process, region }) =>
      alarm({
        code: "breaker_open",
        region,
        subject: `${process} ${dependency}`,
        since: now,
        value: 1,
        text: `${process} sends nothing to ${dependency} for the moment: its calls failed`
      })
    ),
    ...(live.auditFindings ?? []).map(({ detail, kind, seq }) =>
      alarm({ code: "audit_chain", subject: `row ${seq}`, since: now, value: 1, text: `${kind}: ${detail}` })
    )
  ]
  const rank = { critical: 0, warning: 1, info: 2 }
  return [...found.flat(), ...told]
    .filter(({ region }) => region === null || among.includes(region))
    .toSorted((a, b) => rank[a.severity] - rank[b.severity] || a.since - b.since)
})
