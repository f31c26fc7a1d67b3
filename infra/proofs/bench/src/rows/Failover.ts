import { PgClient } from "@effect/sql-pg"
import { balance } from "@halles/engine/placement/PlacementPlan"
import * as Invariants from "@halles/entities/laws/Invariants"
import * as Environment from "@halles/infra/Environment"
import { shardOf } from "@halles/shared/Shard"
import { Effect, Exit, Redacted, Schema, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { type Call, steadyLoad } from "./SteadyLoad.ts"
import { figures } from "../Measure.ts"
import type { Measurement } from "../Measurement.ts"
import { Stage } from "../Stage.ts"

/** What one disturbance did to the calls that began after it, or were under way. */
export interface Disturbance {
  readonly name: string
  /** Until every key concerned had answered a call that began after the disturbance. */
  readonly answeredAgainMs: number
  /** How much of that the thread of the caller or of a runner, whichever waited longest, waited for a processor. */
  readonly heldUpMs: number
  readonly failed: number
  readonly slowestMs: number
  readonly calls: number
  /** One of the failures. */
  readonly failure: string | null
}

interface Audit {
  /** Acknowledged commands that the journal does not have, and gaps in it (I11). */
  readonly lost: number
  /** Command ids with two rows (I10), rows with two events, books of a SKU that do not balance (I1). */
  readonly doubled: number
  /** Rows written under an epoch after a later one had written in that shard, a thawed owner's (I12). */
  readonly fencedWrites: number
}

/** The cluster did not come to rest after a disturbance. */
export class Unsettled extends Schema.TaggedError<Unsettled>()("Unsettled", { after: Schema.String }) {}

export const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0

const keyOf = ({ commandId }: Call): string => commandId.slice(0, commandId.lastIndexOf(":"))

/** For each key the end of the first call that began after `since` and was answered. */
const firstAnswers = (calls: ReadonlyArray<Call>, since: number): ReadonlyMap<string, number> => {
  const first = new Map<string, number>()
  for (const call of calls) {
    if (call.startedAt >= since && call.failure === null && !first.has(keyOf(call)))
      first.set(keyOf(call), call.endedAt)
  }
  return first
}

/** The longest that one of these threads waited for a processor, of those that ran all the time. */
const heldUpBetween = (before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number =>
  Math.max(0, ...[...after].map(([pid, ms]) => (before.has(pid) ? ms - before.get(pid)! : 0)))

/**
 * Kills, freezes, drains and restarts under a steady load of durable commands, and reads in the journal what came of
 * every one of them.
 */
export const failover = (options: {
  readonly rounds: number
  /** Before the calm figures are taken, and while they are. */
  readonly warmUpMs: number
  readonly calmMs: number
  /** After a disturbance, when all has settled. */
  readonly restMs: number
  /** Of each key's caller, between an answer and the next call. */
  readonly pauseMs: number
  /**
   * A runner that is there again gets its shards back in one step, as soon as it has the first one: by plan they take some
   * seconds. A drain and a return go by plan all the same.
   */
  readonly isHurried?: boolean
  /** Only the disturbances of these names. */
  readonly only?: ReadonlyArray<string>
}) =>
  Effect.gen(function* () {
    const stage = yield* Stage
    const control = yield* PgClient.make({
      url: Redacted.make(Environment.databaseUrl(stage.parts, "halles_owner", "control")),
      applicationName: "halles-bench:placement",
      maxConnections: 1
    }).pipe(Effect.provide(Reactivity.layer))
    const placed = (runner: string) =>
      Effect.map(
        control<{ shard: number }>`SELECT shard FROM shard_placement WHERE region = 'eu' AND runner = ${runner}`,
        (rows) => new Set(rows.map(({ shard }) => shard))
      )
    /** Every shard is with the runner that is to have it, and these have as many as each other. */
    const settled = (after: string, runners: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const shares = yield* control<{ runner: string; shards: bigint }>`
          SELECT runner, count(*) AS shards FROM shard_placement WHERE region = 'eu' AND holder = runner GROUP BY runner`
        const share = new Map(shares.map(({ runner, shards }) => [runner, Number(shards)]))
        const wanted = Math.floor(64 / runners.length)
        if (share.size === runners.length && runners.every((id) => (share.get(id) ?? 0) >= wanted)) return true
        return yield* Effect.as(Effect.sleep(100), false)
      }).pipe(
        Effect.catchCause(() => Effect.as(Effect.sleep(200), false)),
        Effect.repeat({ until: (done) => done }),
        Effect.timeoutOrElse({ duration: "90 seconds", orElse: () => Effect.fail(new Unsettled({ after })) })
      )

    /** Writes down all moves of the plan. The runners hear of it with the next step of their own. */
    const hurried = (runners: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const rows = yield* control<{ shard: number; runner: string | null }>`
          SELECT shard, runner FROM shard_placement WHERE region = 'eu'`
        const places = new Map(rows.map(({ runner, shard }) => [shard, runner]))
        if (new Set(places.values()).size < runners.length) return yield* Effect.as(Effect.sleep(50), false)
        const moves = JSON.stringify(balance(places, runners))
        yield* control`SELECT placement_move('eu', ${moves}::text::jsonb, 'balance')`
        return true
      }).pipe(Effect.repeat({ until: (done) => done }), Effect.timeoutOption("90 seconds"))

    const scopes = new Map<string, Scope.Closeable>()
    const running = () => [...scopes.keys()]
    const start = Effect.fnUntraced(function* (id: string) {
      const scope = yield* Scope.fork(yield* Effect.scope)
      scopes.set(id, scope)
      yield* Scope.provide(stage.runner(id), scope)
    })
    yield* Effect.all([start("eu-1"), start("eu-2")], { concurrency: "unbounded" })
    yield* settled("the start", ["eu-1", "eu-2"])

    return yield* Effect.gen(function* () {
      const { calmMs, isHurried = false, only, pauseMs, restMs, rounds, warmUpMs } = options
      const load = yield* steadyLoad({ run: `failover${Date.now().toString(36)}`, pauseMs })
      yield* Effect.sleep(warmUpMs)
      const before = stage.cpu()
      const beganAt = performance.now()
      yield* Effect.sleep(calmMs)
      const calm = figures({
        latencies: load.calls
          .filter(({ startedAt }) => startedAt >= beganAt)
          .map((call) => call.endedAt - call.startedAt),
        seconds: (performance.now() - beganAt) / 1000,
        before,
        after: stage.cpu(),
        setting: `${load.acknowledged.size} keys over all shards, a command each every ${pauseMs} ms; calm figures, then the disturbances`
      })
      process.stderr.write(`  calm: ${calm.opsPerSecond.toFixed(0)}/s p99 ${calm.p99ms.toFixed(1)} ms\n`)

      const disturbances: Array<Disturbance> = []
      /** Concerned are the keys on the shards of the victim, or all keys where there is none. */
      const disturb = <E, R>(
        name: string,
        runners: ReadonlyArray<string>,
        cause: Effect.Effect<unknown, E, R>,
        victim?: string
      ) =>
        Effect.gen(function* () {
          if (only !== undefined && !only.includes(name)) return
          const since = performance.now()
          const heldUpBefore = stage.heldUpMs()
          const shards = victim === undefined ? null : yield* placed(victim)
          yield* cause
          const concerned = [...load.acknowledged.keys()].filter((key) => shards === null || shards.has(shardOf(key)))
          const answers = yield* Effect.suspend(() => {
            const first = firstAnswers(load.calls, since)
            return concerned.every((key) => first.has(key)) ? Effect.succeed(first) : Effect.as(Effect.sleep(100), null)
          }).pipe(
            Effect.repeat({ until: (first) => first !== null }),
            Effect.timeoutOrElse({ duration: "60 seconds", orElse: () => Effect.fail(new Unsettled({ after: name })) })
          )
          const heldUpMs = heldUpBetween(heldUpBefore, stage.heldUpMs())
          if (isHurried && (name === "kill" || name === "freeze")) yield* hurried(runners)
          yield* settled(name, runners)
          yield* Effect.sleep(restMs)
          const now = performance.now()
          const touched = load.calls.filter(({ endedAt }) => endedAt >= since && endedAt < now)
          const failures = touched.filter(({ failure }) => failure !== null)
          const disturbance: Disturbance = {
            name,
            answeredAgainMs: Math.max(...concerned.map((key) => answers?.get(key) ?? Number.POSITIVE_INFINITY)) - since,
            heldUpMs,
            failed: failures.length,
            slowestMs: Math.max(0, ...touched.map(({ endedAt, startedAt }) => endedAt - startedAt)),
            calls: touched.length,
            failure: failures[0]?.failure ?? null
          }
          disturbances.push(disturbance)
          process.stderr.write(`  ${JSON.stringify(disturbance)}\n`)
        })

      const signal = (name: string, sent: NodeJS.Signals) => Effect.sync(() => stage.signal(name, sent))
      const frozen = (name: string, ms: number) =>
        Effect.andThen(signal(name, "SIGSTOP"), Effect.delay(signal(name, "SIGCONT"), ms))
      const both = ["eu-1", "eu-2"]
      const victims = Array.from({ length: rounds }, (_, round) => both[round % 2]!)
      for (const victim of victims) yield* disturb("kill", both, signal(victim, "SIGKILL"), victim)
      for (const victim of victims) yield* disturb("freeze", both, frozen(victim, 4_000), victim)
      yield* disturb("join", [...both, "eu-3"], start("eu-3"))
      yield* disturb(
        "drain",
        running().filter((id) => id !== "eu-2"),
        control`INSERT INTO runner_leaving (runner, wish) VALUES ('eu-2', 'operator')`
      )
      yield* disturb("return", running(), control`DELETE FROM runner_leaving WHERE runner = 'eu-2'`)
      const left = Effect.suspend(() => Scope.close(scopes.get("eu-3")!, Exit.void))
      yield* disturb("leave", both, left)
      const restarted = Effect.forEach(both, (id) => {
        const others = both.filter((other) => other !== id)
        return Effect.all(
          [
            signal(id, "SIGTERM"),
            settled("a drain", others),
            isHurried ? hurried(both) : Effect.void,
            settled("a restart", both)
          ],
          { discard: true }
        )
      })
      yield* disturb("rollingRestart", both, restarted)
      yield* disturb("nats", both, signal("nats", "SIGKILL"))
      yield* disturb("postgres", both, signal("postgres", "SIGINT"))
      yield* disturb("redis", both, frozen("redis", 5_000))
      yield* load.stop

      const books = yield* audit(load.acknowledged).pipe(Effect.provide(stage.database))
      return { calm, disturbances, books }
    }).pipe(Effect.provide(stage.client))
  }).pipe(Effect.scoped)

/** Holds the journal to the invariants, with what was acknowledged. */
const audit = Effect.fnUntraced(function* (acknowledged: ReadonlyMap<string, ReadonlySet<string>>) {
  const sql = yield* SqlClient.SqlClient
  const all = [...acknowledged].flatMap(([id, ids]) => [...ids].map((commandId) => ({ type: "Sku", id, commandId })))
  const { lines } = yield* Invariants.check({ acknowledged: all, running: true })
  const broken = (invariant: Invariants.Id) => lines.find((line) => line.invariant === invariant)!.violations
  // Each command of the load is one event. One that was decided twice within a row is no violation: the books balance with it.
  const [twice] = yield* sql<{ rows: bigint }>`
    SELECT count(*) AS rows FROM journal_all
    WHERE entity_type = 'Sku' AND entity_id = ANY(${[...acknowledged.keys()]}::text[]) AND jsonb_array_length(events) > 1`
  const doubled = broken("I10") + Number(twice!.rows) + broken("I1")
  return { lost: broken("I11"), doubled, fencedWrites: broken("I12") } satisfies Audit
})

/** Moves by plan: nobody is to notice them. */
const moves: ReadonlyArray<string> = ["join", "drain", "return", "leave", "rollingRestart"]

const benched = { calmMs: 5_000, restMs: 1_500, pauseMs: 120 } as const

/** `failover`: throughput and latencies are those of the calm before; what came then is in the figures of its own. */
export const failoverRow: Measurement = {
  rows: ["failover"],
  run: ({ quick, report }) =>
    Effect.gen(function* () {
      const { books, calm, disturbances } = yield* failover(
        quick
          ? { ...benched, rounds: 1, warmUpMs: 3_000, only: ["kill", "freeze", "drain", "return"] }
          : { ...benched, rounds: 5, warmUpMs: 8_000 }
      )
      const again = (name: string) =>
        disturbances.filter((one) => one.name === name).map(({ answeredAgainMs }) => answeredAgainMs)
      const moved = disturbances.filter(({ name }) => moves.includes(name))
      const each = Object.fromEntries(
        disturbances.flatMap(({ answeredAgainMs, failed, name, slowestMs }, at) => [
          [`${at + 1}_${name}_answeredAgainMs`, Math.round(answeredAgainMs)],
          [`${at + 1}_${name}_slowestMs`, Math.round(slowestMs)],
          [`${at + 1}_${name}_failed`, failed]
        ])
      )
      yield* report("failover", {
        ...calm,
        extra: {
          killMedianMs: median(again("kill")),
          killMaxMs: Math.max(...again("kill")),
          freezeMedianMs: median(again("freeze")),
          freezeMaxMs: Math.max(...again("freeze")),
          movesFailed: moved.reduce((sum, { failed }) => sum + failed, 0),
          movesSlowestMs: Math.max(...moved.map(({ slowestMs }) => slowestMs)),
          ...books,
          ...each
        }
      })
    })
}
