import { Clock, Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import type { Nats } from "@halles/shared/clients/Nats"
import { controlSession, Placement } from "./Placement.ts"
import { balance, type Move, type Pins, type Places, rescue } from "./PlacementPlan.ts"
import type { Region } from "@halles/shared/Region"
import { heartbeatMs, RunnerPresence, suspectMs } from "./RunnerPresence.ts"
import * as Shard from "@halles/shared/Shard"

/** Shards that are handed over in one step, and the pause between the end of a step and the next one. */
export const stepMax = 8
/** `Sharding` takes no shards for a second after it took some: a step that comes earlier would have to wait for that. */
export const pauseMs = 1_100
/** A step whose new owners do not take their shards is not waited for longer than this. */
const stepDeadlineMs = 6_000
/** No shard is moved by plan while a runner of the region commits one batch in a hundred later than this. */
export const p99MaxMs = 400
/** Between two looks without news. */
const lookMs = 200
const lookMinMs = 20
/** Plans of the past are kept this long. */
export const kept = "30 days"

/**
 * Keeps the shards of a region on its living runners: those of a dead one move at once, all others by a plan that is
 * written down before it starts, a few at a time, while commands are committed in good time.
 *
 * **Details**
 *
 * Every runner runs this; the first by name among the living acts. Two that both think so do no harm: each change is one
 * statement that moves a shard only from where it was seen to be. Who is dead is said by `RunnerPresence`,
 * or sooner by Postgres: a process that has ended has no session. A frozen one holds up nobody: the next owner of a shard
 * raises its epoch, and the frozen one finds that when it goes on.
 */
export const layer = (options: {
  readonly runnerId: string
  readonly region: Region
}): Layer.Layer<never, never, Nats | Placement | SqlClient.SqlClient> =>
  Layer.effectDiscard(Effect.forkScoped(run(options))).pipe(Layer.provide(RunnerPresence.layerOf(options.region)))

interface Standing {
  readonly places: Places
  readonly pins: Pins
  readonly alive: ReadonlyArray<string>
  readonly dead: ReadonlyArray<string>
  /** Who may have shards. */
  readonly eligible: ReadonlyArray<string>
  /** Shards that their runner has not taken yet. */
  readonly underWay: ReadonlyArray<number>
  /** Every shard is held by the runner that is to have it, and that runner was heard. */
  readonly isSettled: boolean
  readonly p99Ms: number
}

const run = Effect.fnUntraced(function* (options: { readonly runnerId: string; readonly region: Region }) {
  const { region, runnerId } = options
  const sql = yield* SqlClient.SqlClient
  const placement = yield* Placement
  const presence = yield* RunnerPresence

  /** Those of the runners whose sessions are gone: the process has ended. */
  const ended = (runners: ReadonlyArray<string>) =>
    runners.length === 0
      ? Effect.succeed([])
      : Effect.map(sql<{ name: string }>`SELECT DISTINCT application_name AS name FROM pg_stat_activity`, (sessions) =>
          runners.filter((runner) => !sessions.some(({ name }) => name === controlSession(runner)))
        )

  const standing = Effect.gen(function* () {
    const { leaving, pins, shards } = placement.view()
    const own = shards.filter((placed) => placed.region === region)
    const heard = yield* presence.alive
    const now = yield* Clock.currentTimeMillis
    const suspects = heard.filter(({ id, lastSeenMs }) => id !== runnerId && now - lastSeenMs > suspectMs)
    const gone = yield* ended(suspects.map(({ id }) => id))
    const seen = heard.filter(({ id }) => !gone.includes(id))
    const owners = [...new Set(own.flatMap(({ runner }) => runner ?? []))]
    // An owner that was never heard is not dead until the silence has lasted.
    const unheard = yield* Effect.filter(owners, (owner) =>
      gone.includes(owner) ? Effect.succeed(false) : presence.isAlive(owner)
    )
    const alive = [...new Set([runnerId, ...seen.map(({ id }) => id), ...unheard])].toSorted()
    const staying = alive.filter((id) => !leaving.has(id))
    const underWay = own.filter(({ holder, runner }) => holder !== runner).map(({ shard }) => shard)
    return {
      places: new Map(own.map(({ runner, shard }) => [shard, runner])),
      pins: new Map(
        own.flatMap(({ shard }) => {
          const pin = pins.get(Shard.groupOf(region, shard))
          return pin === undefined ? [] : [[shard, pin] as const]
        })
      ),
      alive,
      dead: owners.filter((owner) => !alive.includes(owner)),
      eligible: staying.length > 0 ? staying : alive,
      underWay,
      isSettled:
        own.length > 0 && underWay.length === 0 && owners.every((owner) => seen.some(({ id }) => id === owner)),
      p99Ms: Math.max(0, ...seen.map((runner) => runner.p99Ms ?? 0))
    } satisfies Standing
  })

  /** What another mover was faster with is left out. */
  const move = (moves: ReadonlyArray<Move>, reason: string) =>
    sql`SELECT placement_move(${region}, ${JSON.stringify(moves)}::text::jsonb, ${reason})`.pipe(
      Effect.tap(() => Effect.sync(() => placement.tell(region, "placed")))
    )

  /** A plan replaces what an earlier one has not begun. */
  const write = (moves: ReadonlyArray<Move>, reason: string) =>
    sql`SELECT placement_plan(${region}, ${JSON.stringify(moves)}::text::jsonb, ${reason}, ${kept}::text::interval)`

  /** What `sight` gave when nothing was left to do: as long as it gives the same there is nothing to do again. */
  let settled = ""
  /** The version of the placement and the runners that were heard; `null` while one of them is suspected. */
  const sight = (now: number) =>
    Effect.map(presence.alive, (heard) => {
      const isSuspect = heard.some(({ id, lastSeenMs }) => id !== runnerId && now - lastSeenMs > suspectMs)
      return isSuspect ? null : `${placement.view().version} ${heard.map(({ id }) => id).join(" ")}`
    })

  let written = ""
  let quietSinceMs = yield* Clock.currentTimeMillis
  let steppedAtMs = 0
  const look = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const seen = yield* sight(now)
    if (seen === settled) return
    settled = ""
    const at = yield* standing
    if (at.places.size === 0 || at.alive[0] !== runnerId) {
      quietSinceMs = now
      if (at.isSettled) settled = seen ?? ""
      return
    }
    const rescued = rescue(at.places, at.dead, at.eligible, at.pins)
    if (rescued.length > 0) {
      if (at.dead.length > 0) yield* Effect.logWarning(`${at.dead.join(", ")}: silent, the shards move`)
      yield* move(rescued, at.dead.length > 0 ? "dead" : "vacant")
      quietSinceMs = now
      return
    }
    if (at.underWay.length > 0 && now - steppedAtMs < stepDeadlineMs) {
      quietSinceMs = now
      return
    }
    const plan = balance(at.places, at.eligible, at.pins)
    if (plan.length === 0 && at.isSettled) settled = seen ?? ""
    if (plan.length === 0 || now - quietSinceMs < pauseMs) return
    if (at.p99Ms > p99MaxMs) return
    const key = JSON.stringify(plan)
    if (key !== written) yield* write(plan, "balance")
    // A process that has just begun is slow: it shows on one shard first.
    const owners = new Set(at.places.values())
    const step = plan.some(({ to }) => !owners.has(to)) ? 1 : stepMax
    // What an operator wishes goes first, by itself, so that the record says why.
    const wished = plan.filter(({ shard, to }) => at.pins.get(shard) === to)
    const first = wished.length > 0 ? wished.slice(0, step) : plan.slice(0, step)
    yield* move(first, wished.length > 0 ? "operator" : "balance")
    written = JSON.stringify(plan.slice(first.length))
    steppedAtMs = now
    quietSinceMs = now
  })
  // Runners that start together are heard before the first of them takes everything.
  yield* Effect.sleep(3 * heartbeatMs)
  yield* Effect.andThen(placement.news(lookMs), look).pipe(
    Effect.catchCause((cause) =>
      Effect.andThen(
        Effect.logWarning("The shards of the region could not be looked after", cause),
        Effect.sleep(lookMs)
      )
    ),
    Effect.repeat(Schedule.spaced(lookMinMs))
  )
})
