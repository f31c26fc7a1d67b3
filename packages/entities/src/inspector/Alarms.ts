import { type Region, regions } from "@halles/shared/Region"
import { Clock, Effect } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { type Code, goneMs, objectives, recentMs } from "./Objectives.ts"
import * as Progress from "./SagaProgress.ts"
import { refusedIn } from "./Sagas.ts"
import { RegionDatabases } from "../routes/Reads.ts"

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
  /** Open ones, as their processes tell. */
  readonly breakers?: ReadonlyArray<{ readonly process: string; readonly dependency: string; readonly since: number }>
  /** Messages of streams that their consumers gave up. */
  readonly givenUp?: { readonly count: number; readonly since: number }
  /** What does not fit in the audit log. */
  readonly auditFindings?: ReadonlyArray<{ readonly kind: string; readonly seq: bigint; readonly detail: string }>
}

/** Alarms of one kind in one region; what is beyond is in the text of the last one. */
const eachMax = 20
const deadline = "4 seconds"

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

  const late = Progress.late(sql, now)
  const parked = sql<{ type: string; id: string; shard: number; cause: string; tries: number; at: number }>`
    SELECT entity_type AS type, entity_id AS id, shard, cause, tries, ${ms("at")} AS at FROM parked_entity
    ORDER BY at DESC LIMIT ${eachMax}`
  const setAside = sql<{
    consumer: string
    type: string
    id: string
    seq: number
    cause: string
    at: number
    count: number
  }>`
    SELECT DISTINCT ON (consumer) consumer, entity_type AS type, entity_id AS id, seq, cause, ${ms("at")} AS at,
      count(*) OVER (PARTITION BY consumer)::int AS count
    FROM parked_event WHERE NOT is_resolved ORDER BY consumer, at LIMIT ${eachMax}`
  const doubled = sql<{ shard: number; entity: string; at: number; count: number; owners: string }>`
    SELECT (detail->>'shard')::int AS shard, min(detail->>'entity') AS entity, ${ms("min(at)")} AS at, count(*)::int AS count,
      concat_ws(' and ', min(detail->'refused'->>'owner'), min(detail->'current'->>'owner')) AS owners
    FROM alarm WHERE kind = 'duplicate_activation' AND at > ${before(recentMs)} GROUP BY 1 LIMIT ${eachMax}`
  const blocked = sql<Blocked>`
    SELECT detail->>'runner' AS runner, detail->>'entity' AS entity, detail->>'command' AS command,
      detail->>'where' AS place, (detail->>'shard')::int AS shard, (detail->>'ms')::double precision AS stood,
      ${ms("at")} AS at
    FROM alarm WHERE kind = 'runner_blocked' AND at > ${before(recentMs)} ORDER BY at DESC LIMIT ${eachMax}`

  const refused = refusedIn(sql, eachMax)

  const found = yield* Effect.all({ late, parked, setAside, doubled, blocked, refused }, { concurrency: "unbounded" })
  const raised: ReadonlyArray<Raised> = [
    ...found.late.map((one) => ({ ...one, value: now - one.since })),
    ...found.parked.map(({ at, cause, id, shard, tries, type }) => ({
      code: "entity_parked" as const,
      shard,
      subject: `${type}/${id}`,
      since: at,
      value: 1,
      text: `Parked after ${tries} tries: ${cause}`
    })),
    ...found.setAside.map(({ at, cause, consumer, count, id, seq, type }) => ({
      code: "event_parked" as const,
      subject: consumer,
      since: at,
      value: count,
      text: `${count} ${count === 1 ? "event was" : "events were"} set aside by ${consumer}, first seq ${seq} of ${type.slice(0, 40)}/${id.slice(0, 70)}: ${cause}`
    })),
    ...[...Map.groupBy(found.refused, ({ id }) => id)].map(([id, steps]) => ({
      code: "step_refused" as const,
      subject: `Order/${id}`,
      since: Math.min(...steps.map(({ at }) => at)),
      value: steps.length,
      text: steps.map(({ reason, step }) => `${step} was refused: ${reason.slice(0, 100)}`).join("; ")
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
      text: `${runner} stood still for ${Progress.seconds(stood)} and ended itself, ${
        entity === null ? "not in an entity" : `in ${command ?? "the making"} of ${entity}, which is parked`
      }${place === null ? "" : `: ${place}`}`
    }))
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
          text: `${runner} died ${Progress.seconds(now - at)} ago and has not come back; others have its shards`
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
  const reported = [
    ...(live.breakers ?? []).map(({ dependency, process, since }) =>
      alarm({
        code: "breaker_open",
        // `entities:eu`, `database:am`; Redis and partners belong to none.
        region: regions.find((region) => dependency.endsWith(`:${region}`)) ?? null,
        subject: `${process} ${dependency}`,
        since,
        value: 1,
        text: `${process} sends nothing to ${dependency} for the moment: its calls failed`
      })
    ),
    ...[live.givenUp ?? { count: 0, since: now }]
      .filter(({ count }) => count > 0)
      .map(({ count, since }) =>
        alarm({
          code: "dead_letters",
          subject: "streams",
          since,
          value: count,
          text: `${count} ${count === 1 ? "message of a stream was" : "messages of streams were"} given up by who reads them`
        })
      ),
    ...(live.auditFindings ?? []).map(({ detail, kind, seq }) =>
      alarm({ code: "audit_chain", subject: `row ${seq}`, since: now, value: 1, text: `${kind}: ${detail}` })
    )
  ]
  const rank = { critical: 0, warning: 1, info: 2 }
  return [...found.flat(), ...reported]
    .filter(({ region }) => region === null || among.includes(region))
    .toSorted((a, b) => rank[a.severity] - rank[b.severity] || a.since - b.since)
})
